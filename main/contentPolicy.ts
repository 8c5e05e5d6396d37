// What a page of ours may load, the same in the window and in the browser: its own files, nothing inline, nothing from elsewhere.

/** The policy for a page; `connect` lists what it may talk to besides its own origin. */
export function contentPolicy(connect: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${["'self'", ...connect].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
  ].join("; ");
}

/** Headers that go with every answer to a page. */
export function securityHeaders(connect?: readonly string[]): Record<string, string> {
  return {
    "content-security-policy": contentPolicy(connect),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=(), payment=(), display-capture=()",
    "cache-control": "no-store",
  };
}
