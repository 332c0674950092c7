/** Receive events of the API: verify the signature, and invalidate what a site has cached. */
import type { Client } from "./client.js";
import type { components } from "./schema.js";
import { invalidatedTags } from "./tags.js";

type Schemas = components["schemas"];

export type ArticleEvent = Schemas["ArticleEvent"];
export type TermEvent = Schemas["TermEvent"];
export type InvalidationEvent = Schemas["InvalidationEvent"];
export type ImportEvent = Schemas["ImportEvent"];
export type PingEvent = Schemas["PingEvent"];
/** An event: branch on `type`. Ignore types that you do not know. */
export type WebhookEvent = ArticleEvent | TermEvent | InvalidationEvent | ImportEvent | PingEvent;

/** A call of a webhook. A `Request` is one. */
export type WebhookCall =
  | Request
  | {
      headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
      /** The body exactly as it was received. */
      body: string | Uint8Array;
    };

export interface VerifyOptions {
  /** The secret of the webhook; several if you store former ones. */
  secrets: string | readonly string[];
  /** How far the time of the call may be from now, in seconds. */
  toleranceSeconds?: number | undefined;
}

export interface VerifiedEvent {
  /** The id of the event, which is the same for all attempts. */
  id: string;
  event: WebhookEvent;
}

export type VerificationFailure = "header-missing" | "body-invalid" | "timestamp-outside-tolerance" | "signature-invalid";

/** A call that does not come from the API, or is too old. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";

  constructor(
    readonly reason: VerificationFailure,
    message: string,
  ) {
    super(message);
  }
}

/** Events have at most 20 kB. */
const MAX_BODY_BYTES = 65_536;
const MAX_SIGNATURES = 16;
const MAX_REMEMBERED_IDS = 1_000;
const encoder = new TextEncoder();

/**
 * Return the event of a call with a valid signature (Standard Webhooks).
 *
 * @throws WebhookVerificationError otherwise.
 */
export async function verifyWebhook(call: WebhookCall, options: VerifyOptions): Promise<VerifiedEvent> {
  const id = headerOf(call, "webhook-id");
  const timestamp = headerOf(call, "webhook-timestamp");
  const signatures = headerOf(call, "webhook-signature");
  const body = await bytesOf(call);
  const age = Math.abs(Date.now() / 1000 - Number(/^\d+$/.test(timestamp) ? timestamp : Number.NaN));
  if (!(age <= (options.toleranceSeconds ?? 300))) {
    throw new WebhookVerificationError("timestamp-outside-tolerance", "webhook-timestamp is too far from the present");
  }
  const prefix = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(prefix.length + body.length);
  signed.set(prefix);
  signed.set(body, prefix.length);
  if (!(await isSigned(signed, signatures, [options.secrets].flat()))) {
    throw new WebhookVerificationError("signature-invalid", "webhook-signature matches no secret");
  }
  return { id, event: parseEvent(body) };
}

function headerOf({ headers }: WebhookCall, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : headers[name];
  if (typeof value !== "string" || !value) {
    throw new WebhookVerificationError("header-missing", `the header ${name} is missing`);
  }
  return value;
}

async function bytesOf(call: WebhookCall): Promise<Uint8Array> {
  let bytes: Uint8Array;
  if (call instanceof Request) bytes = new Uint8Array(await call.arrayBuffer());
  else bytes = typeof call.body === "string" ? encoder.encode(call.body) : call.body;
  if (bytes.length > MAX_BODY_BYTES) throw new WebhookVerificationError("body-invalid", "the body is too large");
  return bytes;
}

async function isSigned(signed: BufferSource, header: string, secrets: readonly string[]): Promise<boolean> {
  const signatures = header
    .split(" ", MAX_SIGNATURES)
    .filter((signature) => signature.startsWith("v1,"))
    .flatMap((signature) => fromBase64(signature.slice(3)) ?? []);
  for (const secret of secrets) {
    const bytes = fromBase64(secret.replace(/^whsec_/, ""));
    if (!bytes?.length) throw new TypeError("a webhook secret is whsec_ and base64");
    const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const signature of signatures) {
      if (await crypto.subtle.verify("HMAC", key, signature, signed)) return true;
    }
  }
  return false;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function parseEvent(body: Uint8Array): WebhookEvent {
  try {
    const event: unknown = JSON.parse(new TextDecoder().decode(body));
    if (event !== null && typeof event === "object" && "type" in event && "data" in event) return event as WebhookEvent;
  } catch {
    // reported below
  }
  throw new WebhookVerificationError("body-invalid", "the body is no event");
}

export interface RevalidateOptions<Context = unknown> extends VerifyOptions {
  /** Invalidates the pages that have one of the tags. If it fails, the API sends the event again. */
  revalidate: (tags: string[], context: Context) => unknown;
  /** The client of the site: it learns of each change, so that its reads return nothing older. */
  client?: Client | undefined;
  /** Runs after the invalidation, for example to request pages so that they are built again. */
  refetch?: ((event: WebhookEvent, client: Client | undefined) => unknown) | undefined;
}

/**
 * Return a handler of webhook calls that invalidates what events name in `tags`. Calls without a valid signature get
 * 401, malformed ones 400. A repeated event is acknowledged and has no further effect.
 */
export function createRevalidateHandler<Context = void>(
  options: RevalidateOptions<Context>,
): (request: Request, context: Context) => Promise<Response> {
  const handled = new Set<string>();
  return async (request, context) => {
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    let verified: VerifiedEvent;
    try {
      verified = await verifyWebhook(request, options);
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      return refuse(error);
    }
    const { id, event } = verified;
    const tags = handled.has(id) || !("tags" in event.data) ? [] : invalidatedTags(event.data.tags);
    if (!handled.has(id)) {
      options.client?.sawEvent(event);
      if (tags.length > 0) await options.revalidate(tags, context);
      await options.refetch?.(event, options.client);
      handled.add(id);
      const [oldest] = handled;
      if (oldest !== undefined && handled.size > MAX_REMEMBERED_IDS) handled.delete(oldest);
    }
    return Response.json({ revalidated: tags });
  };
}

function refuse(error: WebhookVerificationError): Response {
  const isMalformed = error.reason === "header-missing" || error.reason === "body-invalid";
  const status = isMalformed ? 400 : 401;
  const body = { type: "about:blank", title: error.message, status, code: error.reason };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json" } });
}
