export { Client, type ClientOptions, createClient, type List, orNull } from "./client.js";
export { type Dated, displayDate } from "./date.js";
export { ProblemError } from "./problem.js";
export type { components, operations, paths } from "./schema.js";
export { createMemoryStore, type ResponseStore, type StoredResponse } from "./store.js";
export type * from "./types.js";
