// Which keys there are to sign installers with, as electron-builder reads them from the environment; and a word where there are none.

/** What electron-builder looks at on each system, and what it takes for it to sign. */
const keys = {
  darwin: { all: ["CSC_LINK", "CSC_KEY_PASSWORD"], wanted: ["CSC_LINK"], what: "The app for macOS" },
  win32: { all: ["WIN_CSC_LINK", "WIN_CSC_KEY_PASSWORD"], wanted: ["WIN_CSC_LINK"], what: "The installer for Windows" },
};
const apple = ["APPLE_ID", "APPLE_APP_SPECIFIC_PASSWORD", "APPLE_TEAM_ID"];

/** The environment to pack in (a key that is empty is no key) and what will be signed, as sentences. */
export function signing(platform, given) {
  const env = { ...given };
  for (const name of [...keys.darwin.all, ...keys.win32.all, ...apple]) if (!env[name]) delete env[name];
  const key = keys[platform];
  if (!key) return { env, said: ["Installers for Linux carry no signature of their own: compare the checksums."] };
  const missing = key.wanted.filter((name) => !env[name]);
  const said = [missing.length > 0 ? `${key.what} is not signed: there is no ${missing.join(" and no ")}.` : `${key.what} is signed.`];
  if (platform === "darwin") {
    // Whatever key lies in a keychain is not meant for this.
    if (missing.length > 0) env.CSC_IDENTITY_AUTO_DISCOVERY = "false";
    const absent = apple.filter((name) => !env[name]);
    const why = missing.length > 0 ? "it is not signed" : `there is no ${absent.join(" and no ")}`;
    if (missing.length > 0 || absent.length > 0) {
      for (const name of apple) delete env[name];
      said.push(`It is not notarised: ${why}.`);
    } else said.push("It is notarised by Apple.");
  }
  return { env, said };
}
