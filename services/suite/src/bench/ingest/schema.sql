-- The tables of the raw limit of a single call: what the database alone does with rows like ours.
create table interaction(
  id uuid primary key default gen_random_uuid(), tenant int not null, connector text not null, external_id text not null,
  customer uuid not null, channel smallint not null, body jsonb not null, at timestamptz not null default now(),
  unique (tenant, connector, external_id));
create index interaction_timeline on interaction(tenant, customer, at);
create table outbox(id bigserial primary key, tenant int not null, subject text not null, payload jsonb not null, at timestamptz not null default now());
