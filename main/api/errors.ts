// Errors of the local API in OpenAI's shape: {"error": {message, type, param, code}}.
import { AppError } from "../../ipc/error.ts";

export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    message: string,
    { param = null, code = null, retryAfter }: { param?: string | null; code?: string | null; retryAfter?: number } = {},
  ) {
    super(message);
    this.retryAfter = retryAfter;
    this.status = status;
    this.param = param;
    this.code = code;
  }

  get body() {
    const { message, param, code, status } = this;
    const type = status >= 500 ? "server_error" : status === 401 || status === 403 ? "authentication_error" : "invalid_request_error";
    return { error: { message, type, param, code } };
  }
}

/** Anything thrown as an answer: bad input 400, what is not there 404, what is ours 500. */
export function apiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const { code, message, hint, exitCode } = AppError.from(thrown);
  const words = hint ? `${message} ${hint}` : message;
  if (code === "modelMissing" || code === "runMissing") return new ApiError(404, words, { param: "model", code: "model_not_found" });
  const status = exitCode === 2 || exitCode === 3 ? 400 : code === "cancelled" || code === "interrupted" ? 499 : 500;
  return new ApiError(status, words, { code });
}
