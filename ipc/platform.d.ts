// What the contract needs of any platform, declared here because it has neither node nor DOM types. Node, browsers and Electron have them all.
interface AbortSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
declare var AbortSignal: { prototype: AbortSignal; new (): AbortSignal };
interface AbortController {
  readonly signal: AbortSignal;
  abort(): void;
}
declare var AbortController: { prototype: AbortController; new (): AbortController };
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}
declare function structuredClone<T>(value: T): T;
declare function queueMicrotask(callback: () => void): void;
