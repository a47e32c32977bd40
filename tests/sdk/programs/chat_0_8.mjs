// A program on the TypeScript SDK of 2024 (0.8), whose chat goes to one address only: a WebSocket that rewrites it.
import { HumeClient, fetchAccessToken } from "hume-0.8.3";
import { WebSocket } from "ws";

import { camel, chats } from "./lines.mjs";

let here = "";
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) {
    super(url.replace("wss://api.hume.ai", here), protocols);
  }
};

await chats(async ({ url, key, options }) => {
  here = url.replace(/^http/, "ws");
  const { secretKey, sessionSettings, verboseTranscription, ...rest } = camel(options);
  const accessToken = secretKey && (await fetchAccessToken({ apiKey: key, secretKey, host: new URL(url).host }));
  if (secretKey && !accessToken) throw new Error("no token");
  const hume = new HumeClient(accessToken ? { accessToken } : { apiKey: key });
  const queryParams = { verbose_transcription: verboseTranscription };
  if (sessionSettings) queryParams.session_settings = options.session_settings;
  return hume.empathicVoice.chat.connect({ ...rest, reconnectAttempts: 0, queryParams });
});
