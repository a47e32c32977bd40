// What the programs for Node.js share: lines of JSON in, one at a time, and lines of JSON out.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function nextLine() {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
}

export function tell(event, more = {}) {
  process.stdout.write(JSON.stringify({ event, ...more }) + "\n");
}

export const camel = (fields) =>
  Object.fromEntries(
    Object.entries(fields ?? {}).map(([name, value]) => [
      name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
      name !== "variables" && value !== null && typeof value === "object" && !Array.isArray(value) ? camel(value)
        : Array.isArray(value) ? value.map((one) => (typeof one === "object" ? camel(one) : one))
        : value,
    ]),
  );

// One chat after another, as standard input says; `connect` returns the SDK's socket for the options of a chat.
export async function chats(connect) {
  for (let line; (line = await nextLine()) !== null; ) {
    try {
      await chat(await connect(line));
    } catch (error) {
      tell("failed", { text: String(error?.message ?? error) });
    }
    tell("over");
  }
}

async function chat(socket) {
  let code = null;
  let closing = () => {};
  const closed = new Promise((resolve) => { closing = resolve; });
  socket.on("open", () => tell("open"));
  socket.on("message", (message) => tell("message", { message }));
  socket.on("error", (error) => tell("error", { text: error.message }));
  socket.on("close", (event) => {
    code ??= event.code;
    tell("close", { code: event.code });
    closing();
  });
  for (let line; (line = await nextLine()) !== null && line.do !== "close"; ) {
    if (line.do === "wait_closed") {
      await closed;
      tell("closed", { code });
    } else if (line.do === "wait_open") {
      await socket.tillSocketOpen();
    } else {
      send(socket, line.do, line.fields);
    }
  }
  socket.close();
}

function send(socket, what, fields) {
  switch (what) {
    case "user_input": return socket.sendUserInput(fields.text);
    case "assistant_input": return socket.sendAssistantInput(camel(fields));
    case "session_settings": return socket.sendSessionSettings(camel(fields));
    case "audio_input": return socket.sendAudioInput(camel(fields));
    case "pause": return socket.pauseAssistant({});
    case "resume": return socket.resumeAssistant({});
    case "tool_response": return socket.sendToolResponseMessage(camel(fields));
    case "tool_error": return socket.sendToolErrorMessage(camel(fields));
    default: throw new Error(what);
  }
}
