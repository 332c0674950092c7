"""What follows from a change, in a process of its own: listeners, each with its own place in the log.

The newsroom waits for none of them, and none for another. What a listener does may come twice, but is never left out.
"""
