//! The invariants of what is stored here, each as one query whose rows are breaches.

use rapport_foundation::db::{Database, Error};
use rapport_foundation::id::TenantId;
use rapport_foundation::verify::Breach;

/// Examples of one kind of breach that are listed.
const EXAMPLES: u64 = 100;

/// Every event, whether it has a position yet or not.
const EVENTS: &str = "(select tenant_id, aggregate, kind from log union all select tenant_id, aggregate, kind from outbox)";

/// What is part of what by the changes that stand, and every step up from it.
const TREE: &str = "part(tenant_id, other_id, conversation_id) as (select tenant_id, other_id, conversation_id \
     from conversation_change where holds = 1), \
     up(tenant_id, part, top) as (select tenant_id, other_id, conversation_id from part union \
     select u.tenant_id, u.part, p.conversation_id from up u join part p \
     on p.tenant_id = u.tenant_id and p.other_id = u.top)";

struct Rule {
    invariant: u8,
    what: &'static str,
    /// Answers `tenant_id` and an `example`.
    query: String,
}

fn rules() -> Vec<Rule> {
    let once = |kind: &str| {
        format!(
            "select tenant_id, aggregate as example from {EVENTS} e where kind = '{kind}' \
             group by tenant_id, aggregate having count(*) > 1"
        )
    };
    vec![
        Rule {
            invariant: 2,
            what: "an external id is in the log twice",
            query: "select tenant_id, connector as example from interaction \
                    group by tenant_id, connector, external_id having count(*) > 1"
                .into(),
        },
        Rule { invariant: 2, what: "an interaction was told as recorded twice", query: once("interaction_recorded") },
        Rule { invariant: 2, what: "an interaction was told as linked twice", query: once("interaction_linked") },
        Rule { invariant: 2, what: "a customer was told as linked twice", query: once("customer_linked") },
        Rule {
            invariant: 2,
            what: "an end of a contact was told twice",
            // One whose customer was called back ends again, later.
            query: "select tenant_id, aggregate as example from \
                    (select tenant_id, aggregate, kind, data from log union all \
                     select tenant_id, aggregate, kind, data from outbox) e where kind = 'contact_ended' \
                    group by tenant_id, aggregate, data having count(*) > 1"
                .into(),
        },
        Rule { invariant: 2, what: "a message of ours was told as sent twice", query: once("outbound_sent") },
        Rule {
            invariant: 1,
            what: "a message of ours has no interaction, or waits and has no text",
            query: "select o.tenant_id, o.connector as example from outbound o \
                    left join interaction i on i.tenant_id = o.tenant_id and i.id = o.id \
                    left join outbound_text t on t.tenant_id = o.tenant_id and t.id = o.id \
                    where i.id is null or (o.state in (1, 2, 3, 4) and t.id is null)"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "as many interactions as recorded events",
            query: format!(
                "select tenant_id, 'counts differ' as example from ( \
                 select tenant_id, 1 as stored, 0 as told from interaction union all \
                 select tenant_id, 0 as stored, 1 as told from {EVENTS} e where kind = 'interaction_recorded') b \
                 group by tenant_id having sum(stored) <> sum(told)"
            ),
        },
        Rule {
            invariant: 1,
            what: "what a conversation counts is not what it has",
            query: "select c.tenant_id, c.connector as example from conversation c left join \
                    (select i.tenant_id, coalesce(p.conversation_id, i.conversation_id) as piece, count(*) as n, \
                     min(i.event_at) as first_at, max(i.event_at) as last_at from interaction i \
                     left join interaction_piece p on p.tenant_id = i.tenant_id and p.interaction_id = i.id \
                     group by i.tenant_id, coalesce(p.conversation_id, i.conversation_id)) i \
                    on i.tenant_id = c.tenant_id and i.piece = c.id \
                    where coalesce(i.n, 0) <> c.interactions or i.first_at <> c.first_at or i.last_at <> c.last_at \
                    or (i.n is null and not exists (select 1 from interaction_piece p \
                    where p.tenant_id = c.tenant_id and p.home_id = c.id) \
                    and not exists (select 1 from conversation_change x \
                    where x.tenant_id = c.tenant_id and x.kind = 2 and x.other_id = c.id))"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "positions in a conversation have a gap or are given twice",
            query: "select tenant_id, min(connector) as example from interaction group by tenant_id, conversation_id \
                    having min(conversation_position) <> 1 or max(conversation_position) <> count(*) \
                    or count(distinct conversation_position) <> count(*)"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "an interaction has no conversation",
            query: "select i.tenant_id, i.connector as example from interaction i left join conversation c \
                    on c.tenant_id = i.tenant_id and c.id = i.conversation_id where c.id is null"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "a link or an end of an interaction that is not there",
            query: "select l.tenant_id, 'link' as example from interaction_link l left join interaction i \
                    on i.tenant_id = l.tenant_id and i.id = l.interaction_id where i.id is null \
                    union all select e.tenant_id, 'end' as example from contact_end e left join interaction i \
                    on i.tenant_id = e.tenant_id and i.id = e.interaction_id where i.id is null"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "a fact has no contact and does not wait for one",
            query: "select f.tenant_id, f.connector as example from interaction_fact f \
                    left join interaction i on i.tenant_id = f.tenant_id and i.connector = f.connector \
                    and i.external_id = f.external_id \
                    left join waiting_fact w on w.tenant_id = f.tenant_id and w.connector = f.connector \
                    and w.external_id = f.external_id and w.fact_key = f.fact_key \
                    where i.id is null and w.fact_key is null"
                .into(),
        },
        Rule {
            invariant: 1,
            what: "as many changes of conversations as events",
            query: format!(
                "select tenant_id, 'counts differ' as example from ( \
                 select tenant_id, 1 as stored, 0 as told from conversation_change union all \
                 select tenant_id, 0 as stored, 1 as told from {EVENTS} e \
                 where kind in ('conversations_merged', 'conversation_split')) b \
                 group by tenant_id having sum(stored) <> sum(told)"
            ),
        },
        Rule {
            invariant: 1,
            what: "as many counted contacts as linked events",
            query: format!(
                "select tenant_id, 'counts differ' as example from ( \
                 select tenant_id, n as stored, 0 as told from interaction_count union all \
                 select tenant_id, 0 as stored, 1 as told from {EVENTS} e where kind = 'interaction_linked') b \
                 group by tenant_id having sum(stored) <> sum(told)"
            ),
        },
        Rule {
            invariant: 1,
            what: "the map of conversations is not what their changes make",
            query: format!(
                "with recursive {TREE} select tenant_id, 'whole' as example from \
                 (select u.tenant_id, u.part, u.top, r.root_id from up u left join conversation_root r \
                 on r.tenant_id = u.tenant_id and r.conversation_id = u.part where not exists \
                 (select 1 from part p where p.tenant_id = u.tenant_id and p.other_id = u.top)) x \
                 where x.root_id is null or x.root_id <> x.top union all \
                 select r.tenant_id, 'part' as example from conversation_root r where not exists \
                 (select 1 from part p where p.tenant_id = r.tenant_id and p.other_id = r.conversation_id) \
                 union all select tenant_id, 'twice' as example from part \
                 group by tenant_id, other_id having count(*) > 1"
            ),
        },
        Rule {
            invariant: 1,
            what: "an interaction is not where the last split took it",
            query: "select m.tenant_id, m.change as example from (select v.tenant_id, v.interaction_id, \
                    max(c.number) as number, 'taken' as change from conversation_move v join conversation_change c \
                    on c.tenant_id = v.tenant_id and c.id = v.change_id and c.undone_at = 0 \
                    group by v.tenant_id, v.interaction_id) m \
                    join conversation_change c on c.tenant_id = m.tenant_id and c.number = m.number \
                    left join interaction_piece p on p.tenant_id = m.tenant_id and p.interaction_id = m.interaction_id \
                    where p.conversation_id is null or p.conversation_id <> c.other_id union all \
                    select p.tenant_id, 'home' as example from interaction_piece p where not exists \
                    (select 1 from conversation_move v join conversation_change c on c.tenant_id = v.tenant_id \
                    and c.id = v.change_id and c.undone_at = 0 \
                    where v.tenant_id = p.tenant_id and v.interaction_id = p.interaction_id)"
                .into(),
        },
        Rule {
            invariant: 2,
            what: "an interaction is linked and pending",
            query: "select p.tenant_id, 'pending' as example from pending_link p join interaction_link l \
                    on l.tenant_id = p.tenant_id and l.interaction_id = p.interaction_id"
                .into(),
        },
        Rule {
            invariant: 2,
            what: "the bytes of a file are not those of its objects",
            query: "select m.tenant_id, 'media' as example from media m left join \
                    (select tenant_id, media_id, sum(length) as n from media_piece where durable = 1 \
                     group by tenant_id, media_id) p on p.tenant_id = m.tenant_id and p.media_id = m.id \
                    where m.stage <> 3 and (coalesce(p.n, 0) <> m.received \
                    or (m.stage = 2 and m.received <> m.size_bytes))"
                .into(),
        },
        Rule {
            invariant: 2,
            what: "a file is kept for other contacts than those that name it",
            query: "select m.tenant_id, 'media' as example from media m left join \
                    (select k.tenant_id, k.media_id, count(*) as n from media_key k \
                     join interaction i on i.tenant_id = k.tenant_id and i.id = k.holder \
                     group by k.tenant_id, k.media_id) h on h.tenant_id = m.tenant_id and h.media_id = m.id \
                    where m.stage <> 3 and coalesce(h.n, 0) <> m.uses"
                .into(),
        },
        Rule {
            invariant: 2,
            what: "the files of a tenant take another room than is counted",
            query: "select u.tenant_id, 'media' as example from media_usage u left join \
                    (select tenant_id, sum(size_bytes) as n from media group by tenant_id) m \
                    on m.tenant_id = u.tenant_id where coalesce(m.n, 0) <> u.bytes"
                .into(),
        },
        Rule {
            invariant: 4,
            what: "the log has a gap",
            query: "select tenant_id, 'epoch' as example from log group by tenant_id, epoch \
                    having min(n) <> 1 or max(n) <> count(*)"
                .into(),
        },
    ]
}

/// Every breach, at most so many of each kind.
pub(crate) async fn verify(db: &Database) -> Result<Vec<Breach>, Error> {
    db.system_read(async |system| {
        let mut breaches = Vec::new();
        for rule in rules() {
            let sql = format!("{} limit {EXAMPLES}", rule.query);
            for row in system.raw_all(&sql, []).await? {
                let example: String = row.try_get("", "example")?;
                breaches.push(Breach {
                    invariant: rule.invariant,
                    tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
                    what: format!("{}: {example}", rule.what),
                });
            }
        }
        Ok(breaches)
    })
    .await
}
