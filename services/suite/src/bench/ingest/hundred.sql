\set k random(1, 9000000000000000)
with n as (select gen_random_uuid() as id, gen_random_uuid() as conversation, g from generate_series(1, 100) g),
c as (insert into conversation (tenant_id, id, connector, thread, channels, interactions, first_at, last_at, subject_key, thread_key)
 select '00000000-0000-7000-8000-000000000001'::uuid, conversation, 'bench', decode(replace(conversation::text, '-', ''), 'hex'), '5', 1, :k, :k, repeat('a', 64), ''::bytea from n),
i as (insert into interaction (tenant_id, id, conversation_id, conversation_position, asks_for_agent, connector, external_id, kind, channel, provider, direction, purpose, event_at, received_at, history, automatic, order_id, order_units, order_code, order_exponent, subject_key, content_digest, body, raw_payload)
 select '00000000-0000-7000-8000-000000000001'::uuid, id, conversation, 1, false, 'bench', 'x' || :k || ':' || g, 1, 5, '', 1, 5, :k, :k, false, false, '', 0, '', 0, repeat('a', 64), decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 420), 'hex'), ''::bytea from n on conflict do nothing returning id)
insert into outbox (tenant_id, id, aggregate, kind, at, traceparent, data)
 select '00000000-0000-7000-8000-000000000001'::uuid, gen_random_uuid(), 'int_' || id, 'interaction_recorded', :k, '', decode(repeat('ab', 120), 'hex') from i;
