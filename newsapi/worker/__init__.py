"""The worker process: changelog consumers with offsets and leases, delayed batches and periodic tasks."""
