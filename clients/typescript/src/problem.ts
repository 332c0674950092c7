import type { FieldError, Withdrawal } from "./types.js";

interface ProblemBody {
  type?: string;
  code?: string;
  title?: string;
  detail?: string;
  request_id?: string;
  errors?: FieldError[];
  gone?: Withdrawal;
}

/** An error response of the API (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** The name of the problem, such as `bad-parameter`; empty if the response is no problem of the API. */
  readonly code: string;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The invalid parameters and fields. */
  readonly errors: readonly FieldError[];
  /** The id to quote in support requests. */
  readonly requestId: string;
  /** For `gone`: when and why the article was taken down. */
  readonly gone: Withdrawal | null;
  /** Seconds to wait before another attempt; null if the response names none. */
  readonly retryAfter: number | null;

  constructor(
    readonly status: number,
    readonly headers: Headers,
    text: string,
  ) {
    const body = parseProblem(text);
    const { type = "about:blank", title = `HTTP ${status}`, detail = "", errors = [] } = body;
    super(detail ? `${title}: ${detail}` : title);
    this.type = type;
    this.code = body.code ?? /\/problems\/([^/]+)$/.exec(type)?.[1] ?? "";
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.requestId = body.request_id ?? headers.get("x-request-id") ?? "";
    this.gone = body.gone ?? null;
    this.retryAfter = parseRetryAfter(headers);
  }
}

function parseProblem(text: string): ProblemBody {
  try {
    const body: unknown = JSON.parse(text);
    return body !== null && typeof body === "object" ? body : {};
  } catch {
    return {};
  }
}

/** Return the seconds of `Retry-After`, which is a number or a date. */
export function parseRetryAfter(headers: Headers): number | null {
  const value = headers.get("retry-after");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}
