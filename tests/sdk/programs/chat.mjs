// A program on the newest TypeScript SDK: the same but for the host.
import { HumeClient, fetchAccessToken } from "hume";

import { camel, chats } from "./lines.mjs";

await chats(async ({ url, key, options }) => {
  const { secretKey, ...rest } = camel(options);
  const accessToken = secretKey && (await fetchAccessToken({ apiKey: key, secretKey, host: new URL(url).host }));
  const hume = new HumeClient(accessToken ? { accessToken, environment: url } : { apiKey: key, environment: url });
  return hume.empathicVoice.chat.connect({ ...rest, reconnectAttempts: 0 });
});
