// The short page for a visit without the token, in both languages; it loads nothing.
export const noTokenPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Paddock</title>
<h1>Paddock</h1>
<p>This address needs its token. Open the whole address that Paddock printed when it started: it ends with <code>?token=…</code></p>
<p>If you no longer have it, stop Paddock and start it again.</p>
<p lang="zh">此地址需要令牌。请打开 Paddock 启动时显示的完整地址，它以 <code>?token=…</code> 结尾。如果找不到，请停止 Paddock 再重新启动。</p>
</html>
`;
