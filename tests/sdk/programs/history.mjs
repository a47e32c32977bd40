// A program on the TypeScript SDK, old (0.8, first argument) or newest: make a config, chat with its id, read what was said, tidy up.
import { WebSocket } from "ws";

const [generation, url, key] = process.argv.slice(2);
const old = generation === "0.8.3";
const { HumeClient } = await import(old ? "hume-0.8.3" : "hume");
if (old) {
  globalThis.WebSocket = class extends WebSocket {
    constructor(address, protocols) {
      super(address.replace("wss://api.hume.ai", url.replace(/^http/, "ws")), protocols);
    }
  };
}
const client = new HumeClient({ apiKey: key, environment: url });
const { configs, chats, chatGroups, chat } = client.empathicVoice;
const said = ["My boat leaks.", "It is raining."];
const nobody = "00000000-0000-4000-8000-000000000000";

const timeouts = (seconds) => ({
  inactivity: { enabled: true, durationSecs: seconds },
  maxDuration: { enabled: true, durationSecs: 600 },
});
const posted = (more) => (old ? more : { eviVersion: "3", ...more });

async function statusOf(call) {
  try {
    await call;
    return null;
  } catch (refused) {
    return refused.statusCode ?? String(refused);
  }
}

// All of a list: the old SDK returns a page, the new one something to iterate over that asks for the next page by itself.
async function all(list, request, field) {
  const got = [];
  if (!old) {
    for await (const one of await list({ ...request })) got.push(one); // it counts the pages in there
    return got;
  }
  for (let pageNumber = 0; ; pageNumber++) {
    const page = await list({ ...request, pageNumber });
    if (!page[field].length) return got;
    got.push(...page[field]);
  }
}

function conversation(config, texts) {
  return new Promise((resolve, reject) => {
    const socket = chat.connect({ configId: config.id, configVersion: String(config.version), reconnectAttempts: 0 });
    const seen = [];
    socket.on("error", reject);
    socket.on("message", (message) => {
      seen.push(message);
      if (message.type !== "assistant_end") return;
      if (texts.length) return socket.sendUserInput(texts.shift());
      socket.close();
      resolve(seen);
    });
  });
}

const eventMessages = { onNewChat: { enabled: true, text: "Ahoy. Ferry office." } };
const made = await configs.createConfig(posted({ name: "ferries", eventMessages, timeouts: timeouts(30) }));
const again = await configs.createConfigVersion(made.id, posted({ versionDescription: "shorter", timeouts: timeouts(20) }));
await configs.updateConfigName(made.id, { name: "boats" });
await configs.updateConfigDescription(made.id, again.version, { versionDescription: "for today" });
const others = [];
for (let number = 0; number < 5; number++) others.push(await configs.createConfig(posted({ name: `config ${number}` })));

const seen = await conversation(made, [...said]);
const { chatId, chatGroupId } = seen[0];

const every = { restrictToMostRecent: false };
const versions = async () =>
  (await all((request) => configs.listConfigVersions(made.id, request), every, "configsPage")).map((one) => one.version).sort();
const names = async (request) => (await all((more) => configs.listConfigs(more), request, "configsPage")).map((one) => one.name);
const events = await all((request) => chats.listChatEvents(chatId, request), { pageSize: 2 }, "eventsPage");
const newest = await all((request) => chats.listChatEvents(chatId, request), { ascendingOrder: false }, "eventsPage");
const theChat = (await all((request) => chats.listChats(request), { pageSize: 100 }, "chatsPage")).find((one) => one.id === chatId);
const groupEvents = await all((request) => chatGroups.listChatGroupEvents(chatGroupId, request), {}, "eventsPage");
const group = old ? null : await chatGroups.getChatGroup(chatGroupId);
const ids = (list) => JSON.stringify(list.map((one) => one.id));

const found = {
  config: [made.id, made.version, made.name],
  duration: made.timeouts.inactivity.durationSecs,
  again: [again.id, again.version, again.timeouts.inactivity.durationSecs],
  described: (await configs.getConfigVersion(made.id, again.version)).versionDescription,
  versions: await versions(),
  named: await names({ name: "boats" }),
  listed: await names({ pageSize: 2 }),
  greeted: seen.slice(0, seen.findIndex((one) => one.type === "assistant_end"))
    .filter((one) => one.type === "assistant_message").map((one) => one.message.content),
  events: events.map((event) => [event.role, event.type, event.messageText ?? null]),
  backwards: ids(newest) === ids([...events].reverse()),
  milliseconds: events.map((event) => event.timestamp),
  chat: [theChat.chatGroupId === chatGroupId, theChat.status, theChat.config.id, theChat.config.version],
  group: group ? [group.numChats, ids(group.chatsPage) === ids([{ id: chatId }])] : [1, true],
  group_events: ids(groupEvents) === ids(events),
  too_long: await statusOf(configs.createConfig(posted({ name: "x", timeouts: timeouts(1801) }))),
  unknown: await statusOf(configs.getConfigVersion(nobody, 0)),
  no_chat: await statusOf(chats.listChatEvents(nobody)),
};
await configs.deleteConfigVersion(made.id, made.version);
found.versions_left = await versions();
for (const one of [made, ...others]) await configs.deleteConfig(one.id);
found.left = await names({});
console.log(JSON.stringify(found));
