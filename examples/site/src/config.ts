/** Settings, from environment variables. */

export interface Config {
  /** The address of the API. */
  readonly apiUrl: string;
  /** The address of this site, without a slash at the end. */
  readonly siteUrl: string;
  readonly host: string;
  readonly port: number;
  /** The secret of the webhook; calls are refused without one. */
  readonly webhookSecret: string;
  /** The folder of the kept pages. */
  readonly storeFolder: string;
  /** Origins of pictures, for the content security policy. */
  readonly imageOrigins: readonly string[];
  /** Seconds between two comparisons with the changelog of the API. */
  readonly checkSeconds: number;
}

/** Read the settings; throw a TypeError for one that cannot be used. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const port = Number(env["SITE_PORT"] ?? 4321);
  const checkSeconds = Number(env["SITE_CHECK_SECONDS"] ?? 30);
  if (!(checkSeconds > 0)) throw new TypeError("SITE_CHECK_SECONDS is not a number above 0");
  const apiUrl = new URL(env["SITE_API_URL"] ?? "http://127.0.0.1:8000");
  return {
    apiUrl: apiUrl.href.replace(/\/$/, ""),
    siteUrl: new URL(env["SITE_URL"] ?? `http://127.0.0.1:${port}`).href.replace(/\/$/, ""),
    host: env["SITE_HOST"] ?? "127.0.0.1",
    port,
    webhookSecret: env["SITE_WEBHOOK_SECRET"] ?? "",
    storeFolder: env["SITE_STORE"] ?? "store",
    imageOrigins: (env["SITE_IMAGE_ORIGINS"] ?? apiUrl.origin).split(",").map((origin) => new URL(origin).origin),
    checkSeconds,
  };
}
