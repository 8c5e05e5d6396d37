// The key that updates are checked by: given when Paddock is built (PADDOCK_UPDATE_KEY, scripts/build.mjs), in minisign's form. Without one, every
// update is refused.
declare const __PADDOCK_UPDATE_KEY__: string | undefined;

export const updateKey: string | undefined =
  typeof __PADDOCK_UPDATE_KEY__ === "string" && __PADDOCK_UPDATE_KEY__ !== "" ? __PADDOCK_UPDATE_KEY__ : undefined;
