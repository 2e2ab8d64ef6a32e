// A plain gRPC service on Node that writes a row and its event in one statement, without any gateway before it.
// node ingest.js PORT POSTGRES_URL
'use strict';

const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const { Pool } = require('pg');

const [port, url] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, max: 16 });
const statement = `with i as (
    insert into interaction(tenant, connector, external_id, customer, channel, body)
    values (1, 'node', $1::text, gen_random_uuid(), 3, jsonb_build_object('note', $2::text))
    on conflict do nothing returning id)
  insert into outbox(tenant, subject, payload)
  select 1, 'rapport.interactions.v1.InteractionRecorded', jsonb_build_object('id', id) from i`;
const run = `${process.pid}-${Date.now()}-`;
let last = 0;

function record(call, answer) {
  const id = run + ++last;
  pool.query({ name: 'record', text: statement, values: [id, call.request.text] }).then(
    () => answer(null, { id }),
    (error) => answer({ code: grpc.status.UNAVAILABLE, details: String(error) }),
  );
}

const { peer } = grpc.loadPackageDefinition(loader.loadSync(path.join(__dirname, 'ingest.proto')));
const server = new grpc.Server();
server.addService(peer.Ingest.service, { record });
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
