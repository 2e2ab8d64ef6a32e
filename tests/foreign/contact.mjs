// The whole way of one contact, in every way a client may speak: gRPC, gRPC-Web, Connect, JSON over HTTP.
//
// Usage: node contact.mjs IMAGE GATEWAY SUPERVISOR_TOKEN CONNECTOR_TOKEN MANAGER_TOKEN
//
// Has nothing of ours but the descriptor image of `proto/`. The way is written once; each protocol only says how a call
// is made. Exits non-zero at the first thing that is not so.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import grpc from "@grpc/grpc-js";

const DEADLINE_MS = 10_000;
const [image, gateway, supervisor, connector, manager] = process.argv.slice(2);
const base = `http://${gateway}`;
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));

const bearer = (token) => ({ authorization: `Bearer ${token}` });

function method(name) {
  const [service, rpc] = name.split("/");
  const found = registry.getService(`rapport.${service}`);
  return { service: found, method: found.methods.find((m) => m.name === rpc) };
}

// A client of Connect's library over one of its transports. `streams` is the transport for calls that stay open.
function library(unary, streams) {
  return {
    async call(name, token, request) {
      const { service, method: m } = method(name);
      const client = createClient(service, unary);
      const answer = await client[m.localName](fromJson(m.input, request, { registry }), {
        headers: bearer(token),
        timeoutMs: DEADLINE_MS,
      });
      return toJson(m.output, answer, { registry });
    },
    async *watch(name, token, request, signal) {
      const { service, method: m } = method(name);
      const client = createClient(service, streams);
      const answers = client[m.localName](fromJson(m.input, request, { registry }), { headers: bearer(token), signal });
      for await (const answer of answers) yield toJson(m.output, answer, { registry });
    },
  };
}

// The client that most Node services use for gRPC.
function grpcJs() {
  const client = new grpc.Client(gateway, grpc.credentials.createInsecure());
  const metadata = (token) => {
    const headers = new grpc.Metadata();
    headers.set("authorization", `Bearer ${token}`);
    return headers;
  };
  const parts = (name) => {
    const { service, method: m } = method(name);
    const encode = (json) => Buffer.from(toBinary(m.input, fromJson(m.input, json, { registry })));
    const decode = (bytes) => toJson(m.output, fromBinary(m.output, bytes), { registry });
    return [`/${service.typeName}/${m.name}`, encode, decode];
  };
  return {
    call: (name, token, request) =>
      new Promise((resolve, reject) => {
        const [path, encode, decode] = parts(name);
        const options = { deadline: Date.now() + DEADLINE_MS };
        client.makeUnaryRequest(path, encode, decode, request, metadata(token), options, (error, answer) =>
          error ? reject(new ConnectError(error.details, error.code)) : resolve(answer),
        );
      }),
    async *watch(name, token, request, signal) {
      const [path, encode, decode] = parts(name);
      const stream = client.makeServerStreamRequest(path, encode, decode, request, metadata(token), {});
      signal.addEventListener("abort", () => stream.cancel());
      for await (const answer of stream) yield answer;
    },
  };
}

// Plain JSON: no library, no descriptor, only the paths that the contracts are annotated with.
function plain() {
  const paths = {
    "routing.v1.QueueService/CreateQueue": ["POST", "/v1/queues"],
    "routing.v1.AgentService/CreateAgent": ["POST", "/v1/agents"],
    "routing.v1.AgentService/SetAgentStatus": ["POST", "/v1/agents/{agentId}:setStatus"],
    "routing.v1.OfferService/WatchOffers": ["GET", "/v1/agents/{agentId}/offers:watch"],
    "routing.v1.OfferService/AcceptOffer": ["POST", "/v1/offers/{offerId}:accept"],
    "routing.v1.TicketService/ResolveTicket": ["POST", "/v1/tickets/{ticketId}:resolve"],
    "routing.v1.TicketService/GetTicket": ["GET", "/v1/tickets/{ticketId}"],
    "routing.v1.WorkItemService/CompleteWork": ["POST", "/v1/workItems/{workItemId}:complete"],
    "routing.v1.WorkItemService/EndWrapUp": ["POST", "/v1/workItems/{workItemId}:endWrapUp"],
    "loyalty.v1.ProgramService/CreateProgram": ["POST", "/v1/programs"],
    "loyalty.v1.ProgramService/ListMembers": ["GET", "/v1/members"],
    "loyalty.v1.LedgerService/GetBalance": ["GET", "/v1/members/{memberId}/balance"],
    "interactions.v1.InteractionService/RecordInteraction": ["POST", "/v1/interactions"],
    "interactions.v1.InteractionService/GetInteraction": ["GET", "/v1/interactions/{interactionId}"],
    "interactions.v1.InteractionService/ListTimeline": ["GET", "/v1/customers/{customerId}/timeline"],
  };
  const ask = (name, token, request, signal) => {
    const [verb, template] = paths[name];
    const { requestId, ...rest } = request;
    const path = template.replace(/\{(\w+)\}/g, (_, field) => {
      const value = encodeURIComponent(rest[field]);
      delete rest[field];
      return value;
    });
    const headers = { ...bearer(token), ...(requestId && { "idempotency-key": requestId }) };
    return verb === "GET"
      ? fetch(`${base}${path}?${new URLSearchParams(rest)}`, { headers, signal })
      : fetch(`${base}${path}`, { method: verb, headers, body: JSON.stringify(rest), signal });
  };
  const refused = async (response) => {
    const { error } = await response.json();
    assert.equal(error.code, response.status);
    const code = Code[error.status.toLowerCase().replace(/(^|_)(\w)/g, (_, __, letter) => letter.toUpperCase())];
    return new ConnectError(error.message, code);
  };
  return {
    async call(name, token, request) {
      const response = await ask(name, token, request, AbortSignal.timeout(DEADLINE_MS));
      if (!response.ok) throw await refused(response);
      return response.json();
    },
    async *watch(name, token, request, signal) {
      const response = await ask(name, token, request, signal);
      if (!response.ok) throw await refused(response);
      assert.equal(response.headers.get("content-type"), "application/x-ndjson");
      let read = "";
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (read + piece).split("\n");
        read = lines.pop();
        for (const line of lines) yield JSON.parse(line).result;
      }
    },
  };
}

async function until(what, probe) {
  const end = Date.now() + DEADLINE_MS;
  while (Date.now() < end) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`gave up waiting for ${what}`);
}

async function contact({ call, watch }) {
  const mark = randomUUID().slice(0, 8);
  const change = (request) => ({ requestId: randomUUID(), ...request });

  // The floor: a queue, an agent who serves it, a programme.
  const { queue } = await call("routing.v1.QueueService/CreateQueue", supervisor,
    change({ queue: { code: `care-${mark}`, displayName: "Care", wrapUpS: 60 } }));
  const { agent } = await call("routing.v1.AgentService/CreateAgent", supervisor,
    change({ agent: { principal: `agent-${mark}`, displayName: "Agent", queueIds: [queue.id] } }));
  await call("loyalty.v1.ProgramService/CreateProgram", manager,
    change({ program: { code: `club-${mark}`, displayName: "Club", pointCode: "PTS", autoEnrol: true,
      earnRule: { currencyCode: "EUR", currencyExponent: 2, points: "1", per: "100" } } }));

  // The desk opens; the first answer says how things stand.
  const closing = new AbortController();
  const desk = watch("routing.v1.OfferService/WatchOffers", supervisor, { agentId: agent.id }, closing.signal);
  assert.ok((await desk.next()).value.snapshot);
  await call("routing.v1.AgentService/SetAgentStatus", supervisor,
    change({ agentId: agent.id, status: "AGENT_STATUS_AVAILABLE" }));

  // A chat comes in, twice: connectors repeat themselves.
  const caller = { type: "IDENTIFIER_TYPE_HANDLE", value: `@budi-${mark}`, namespace: "whatsapp" };
  const contact = (more) => ({ interaction: { channel: "CHANNEL_CHAT", direction: "DIRECTION_INBOUND",
    eventTime: new Date().toISOString(),
    participants: [{ role: "PARTICIPANT_ROLE_CUSTOMER", identifier: caller }], ...more } });
  const chat = contact({ externalId: `chat-${mark}`, kind: "INTERACTION_KIND_CHAT", purpose: "PURPOSE_SUPPORT",
    parts: [{ text: "Paket saya belum sampai." }], routing: { queue: queue.code } });
  const record = "interactions.v1.InteractionService/RecordInteraction";
  const first = await call(record, connector, chat);
  const again = await call(record, connector, chat);
  assert.ok(!first.duplicate && again.duplicate);
  assert.equal(first.interaction.id, again.interaction.id);

  // The work is offered, accepted, resolved and wrapped up.
  const offer = await until("an offer", async () => (await desk.next()).value.offer);
  assert.equal(offer.workItem.interactionId, first.interaction.id);
  const { workItem } = await call("routing.v1.OfferService/AcceptOffer", supervisor, change({ offerId: offer.id }));
  await call("routing.v1.TicketService/ResolveTicket", supervisor,
    change({ ticketId: workItem.ticketId, outcome: "solved" }));
  await call("routing.v1.WorkItemService/CompleteWork", supervisor,
    change({ workItemId: workItem.id, disposition: "answered" }));
  const done = await call("routing.v1.WorkItemService/EndWrapUp", supervisor, change({ workItemId: workItem.id }));
  assert.equal(done.workItem.state, "WORK_ITEM_STATE_COMPLETED");

  // The customer buys something and earns.
  await call(record, connector, contact({ externalId: `order-${mark}`, kind: "INTERACTION_KIND_ORDER",
    channel: "CHANNEL_WEB", purpose: "PURPOSE_ORDER",
    order: { orderId: `o-${mark}`, total: { units: "4999", code: "EUR", exponent: 2 } } }));
  const customerId = await until("the customer", async () => {
    const { interaction } = await call("interactions.v1.InteractionService/GetInteraction", supervisor,
      { interactionId: first.interaction.id });
    return interaction.customer?.customerId;
  });
  const member = await until("the member", async () => {
    const page = await call("loyalty.v1.ProgramService/ListMembers", supervisor, { customerId, pageSize: 10 });
    return page.members?.[0];
  });
  await until("49 points", async () => {
    const { balance } = await call("loyalty.v1.LedgerService/GetBalance", supervisor, { memberId: member.id });
    return balance.available?.units === "49";
  });
  await until("contacts, ticket and points in the timeline", async () => {
    const page = await call("interactions.v1.InteractionService/ListTimeline", supervisor, { customerId });
    const kinds = (page.entries ?? []).flatMap((entry) => Object.keys(entry));
    return ["interaction", "ticket", "points"].every((kind) => kinds.includes(kind));
  });

  // What is not there, and who may not ask.
  const missing = { ticketId: workItem.ticketId.replace(/.{4}$/, "0000") };
  await assert.rejects(call("routing.v1.TicketService/GetTicket", supervisor, missing), { code: Code.NotFound });
  await assert.rejects(call("routing.v1.TicketService/GetTicket", "nobody", missing), { code: Code.Unauthenticated });
  closing.abort();
  await desk.next().catch(() => undefined);
}

// Many contacts as lines of JSON, each acknowledged; a line that is none ends the stream and says so.
async function bulk() {
  const mark = randomUUID().slice(0, 8);
  const line = (n) => JSON.stringify({ interaction: { externalId: `${mark}-${n}`, kind: "INTERACTION_KIND_MESSAGE",
    channel: "CHANNEL_MESSAGING", direction: "DIRECTION_INBOUND", eventTime: new Date().toISOString(),
    participants: [{ role: "PARTICIPANT_ROLE_CUSTOMER",
      identifier: { type: "IDENTIFIER_TYPE_EMAIL", value: `${mark}@example.com` } }],
    parts: [{ text: "Kailan po darating ang order ko?" }] } });
  const send = async (body) => {
    const response = await fetch(`${base}/v1/interactions:stream`, { method: "POST", headers: bearer(connector), body });
    return (await response.text()).trim().split("\n").map((text) => JSON.parse(text));
  };
  const acknowledged = await send([line(1), line(2), "", line(1)].join("\n"));
  assert.equal(acknowledged.length, 3);
  assert.ok(acknowledged.every(({ result }) => result), JSON.stringify(acknowledged));
  const broken = await send([line(3), "{"].join("\n"));
  assert.equal(broken.at(-1).error.details[0].reason, "MALFORMED_JSON");
}

const http2 = { baseUrl: base, httpVersion: "2" };
const overHttp1 = createGrpcWebTransport({ baseUrl: base, httpVersion: "1.1" });
const protocols = {
  "gRPC": library(createGrpcTransport({ baseUrl: base }), createGrpcTransport({ baseUrl: base })),
  "gRPC by @grpc/grpc-js": grpcJs(),
  "gRPC-Web": library(createGrpcWebTransport(http2), createGrpcWebTransport(http2)),
  "gRPC-Web over HTTP/1.1": library(overHttp1, overHttp1),
  "Connect": library(createConnectTransport({ ...http2, useBinaryFormat: true }), overHttp1),
  "Connect in JSON over HTTP/1.1": library(createConnectTransport({ baseUrl: base, httpVersion: "1.1" }), overHttp1),
  "JSON over HTTP": plain(),
};
for (const [name, protocol] of Object.entries(protocols)) {
  await contact(protocol);
  console.log(`one contact, end to end, by ${name}`);
}
await bulk();
console.log("many contacts as lines of JSON");
process.exit(0);
