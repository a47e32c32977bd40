// A page on Hume's React provider: a conversation, a line to type into, and the microphone, which it opens by itself.
import { VoiceProvider, useVoice } from "@humeai/voice-react";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const { hostname, key, ...options } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const told = { errors: [], closes: [], group: null, interruptions: 0 };
window.told = told;

const COLOURS = { user: "#dbeafe", assistant: "#f1f5f9", note: "#fef9c3" };

function Line({ kind, children }) {
  const side = { user: "flex-end", assistant: "flex-start", note: "center" }[kind];
  const style = { alignSelf: side, background: COLOURS[kind], borderRadius: 12, padding: "8px 14px", maxWidth: "70%" };
  return <li className={kind} style={style}>{children}</li>;
}

function shown(message, index) {
  switch (message.type) {
    case "user_message":
      return <Line key={index} kind="user">{message.message.content}</Line>;
    case "assistant_message":
      return <Line key={index} kind="assistant">{message.message.content}</Line>;
    case "error":
      return <Line key={index} kind="note">{`${message.code} ${message.slug}`}</Line>;
    default:
      return null;
  }
}

function Conversation() {
  const voice = useVoice();
  const [text, setText] = useState("");
  const start = () =>
    voice.connect({ auth: { type: "apiKey", value: key }, hostname, ...options }).catch((error) => {
      told.errors.push(String(error));
    });
  const say = (event) => {
    event.preventDefault();
    voice.sendUserInput(text);
    setText("");
  };
  return (
    <main style={{ font: "16px/1.5 sans-serif", width: 640, margin: "24px auto" }}>
      <h1 style={{ fontSize: 22 }}>A talk with ELIZA</h1>
      <p>
        <span id="status">{voice.status.value}</span>
        {voice.isPaused ? ", paused" : ""}
        {voice.isPlaying ? ", speaking" : ""} <span id="time">{voice.callDurationTimestamp}</span>
      </p>
      <ol id="conversation" style={{ listStyle: "none", padding: 0, display: "flex", flexDirection: "column", gap: 8 }}>
        {voice.messages.map(shown)}
      </ol>
      <form onSubmit={say} style={{ display: "flex", gap: 8 }}>
        <input id="text" value={text} onChange={(event) => setText(event.target.value)} style={{ flex: 1 }} />
        <button id="say">Say</button>
      </form>
      <p style={{ display: "flex", gap: 8 }}>
        <button id="start" onClick={start}>Start</button>
        <button id="mute" onClick={voice.isMuted ? voice.unmute : voice.mute}>{voice.isMuted ? "Unmute" : "Mute"}</button>
        <button id="pause" onClick={voice.pauseAssistant}>Pause</button>
        <button id="resume" onClick={voice.resumeAssistant}>Resume</button>
        <button id="end" onClick={() => voice.disconnect()}>End</button>
      </p>
    </main>
  );
}

createRoot(document.getElementById("page")).render(
  <VoiceProvider
    enableAudioWorklet={false}
    clearMessagesOnDisconnect={false}
    onMessage={(message) => {
      if (message.type === "chat_metadata") told.group = message.chatGroupId;
    }}
    onError={(error) => told.errors.push(`${error.reason}: ${error.message}`)}
    onClose={(event) => told.closes.push(event.code)}
    onInterruption={() => { told.interruptions += 1; }}
  >
    <Conversation />
  </VoiceProvider>,
);
