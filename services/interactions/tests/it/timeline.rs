//! Everything of one customer.

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::events::Data;
use rapport_foundation::id::{ConversationId, CustomerId, EntryId, MemberId, TicketId};
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_proto::events::v1 as events;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;

use crate::neighbours::unknown;
use crate::stage::{Stage, at, message, on_every_engine, quick, refused};

async fn timeline(stage: &Stage, customer: &str, page_size: i32) -> Vec<pb::TimelineEntry> {
    let mut asked = pb::ListTimelineRequest {
        customer_id: customer.into(),
        page_size,
        page_token: String::new(),
    };
    let mut entries = Vec::new();
    loop {
        let page = stage
            .client()
            .list_timeline(stage.asks(asked.clone()))
            .await
            .unwrap()
            .into_inner();
        assert!(page_size == 0 || page.entries.len() <= usize::try_from(page_size).unwrap());
        entries.extend(page.entries);
        if page.next_page_token.is_empty() {
            return entries;
        }
        asked.page_token = page.next_page_token;
    }
}

async fn entries(stage: &Stage, customer: &str, count: usize) -> Vec<pb::TimelineEntry> {
    eventually("the timeline is complete", async || {
        let entries = timeline(stage, customer, 0).await;
        (entries.len() == count).then_some(entries)
    })
    .await
}

fn kinds(entries: &[pb::TimelineEntry]) -> Vec<&'static str> {
    let kind = |entry: &pb::TimelineEntry| match entry.entry.as_ref().unwrap() {
        pb::timeline_entry::Entry::Interaction(_) => "contact",
        pb::timeline_entry::Entry::Ticket(_) => "ticket",
        pb::timeline_entry::Entry::Points(_) => "points",
    };
    entries.iter().map(kind).collect()
}

#[tokio::test]
async fn a_timeline_merges_contacts_tickets_and_points_newest_first() {
    on_every_engine(quick(), async |stage| {
        for n in 0..7 {
            let mut input = message(&format!("m-{n}"), "+62811", "halo");
            input.event_time = Some(at(1_700_000_000 + n / 2));
            stage.log(input).await;
        }
        let customer = stage.fake.customer(stage.tenant, "+62811");
        let now = Clock::system().now();
        let ticket = TicketId::new(now).to_string();
        let facts = events::TicketFacts {
            ticket_id: ticket.clone(),
            customer: Some(customer.clone()),
            ..Default::default()
        };
        let opened = events::TicketOpened {
            ticket: Some(facts.clone()),
            ..Default::default()
        };
        stage
            .routing
            .say(stage.tenant, &ticket, Data::TicketOpened(opened))
            .await;
        let resolved = events::TicketResolved {
            ticket: Some(facts),
            ..Default::default()
        };
        stage
            .routing
            .say(stage.tenant, &ticket, Data::TicketResolved(resolved))
            .await;
        let entry = EntryId::new(now).to_string();
        let earned = events::PointsEarned {
            entry: Some(events::EntryFacts {
                entry_id: entry.clone(),
                member_id: MemberId::new(now).to_string(),
                customer: Some(customer.clone()),
                points: Some(types::Amount {
                    units: 25,
                    code: "PTS".into(),
                    exponent: 0,
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        stage
            .loyalty
            .say(stage.tenant, &entry, Data::PointsEarned(earned))
            .await;

        let all = entries(&stage, &customer.customer_id, 10).await;
        assert_eq!(kinds(&all)[3..], ["contact"; 7]);
        let mut first = kinds(&all)[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, ["points", "ticket", "ticket"]);
        assert!(all.windows(2).all(|pair| {
            let time = |entry: &pb::TimelineEntry| entry.time.map(|at| (at.seconds, at.nanos));
            time(&pair[0]) >= time(&pair[1])
        }));
        for size in [1, 2, 3, 10] {
            assert_eq!(timeline(&stage, &customer.customer_id, size).await, all);
        }
    })
    .await;
}

#[tokio::test]
async fn a_merge_joins_timelines_and_its_undoing_parts_them() {
    on_every_engine(quick(), async |stage| {
        for (n, phone) in ["+62811", "+62822", "+62822"].iter().enumerate() {
            let logged = stage.log(message(&format!("m-{n}"), phone, "halo")).await;
            stage.settled(&logged.id).await;
        }
        let ana = stage.fake.customer(stage.tenant, "+62811");
        let budi = stage.fake.customer(stage.tenant, "+62822");
        let moved = |to: &str| {
            vec![events::RecordMove {
                record_id: budi.record_id.clone(),
                customer_id: to.into(),
            }]
        };
        let merged = events::CustomersMerged {
            customer_id: ana.customer_id.clone(),
            merged_customer_id: budi.customer_id.clone(),
            moves: moved(&ana.customer_id),
        };
        stage
            .profiles
            .say(
                stage.tenant,
                &ana.customer_id,
                Data::CustomersMerged(merged),
            )
            .await;
        let joined = entries(&stage, &ana.customer_id, 3).await;
        let pb::timeline_entry::Entry::Interaction(one) = joined[0].entry.as_ref().unwrap() else {
            panic!()
        };
        assert_eq!(one.customer.as_ref().unwrap().customer_id, ana.customer_id);
        // The merged customer is known still, and has nothing of its own.
        assert!(entries(&stage, &budi.customer_id, 0).await.is_empty());
        assert_eq!(listed(&stage, &ana.customer_id).await, (3, 3));
        assert_eq!(listed(&stage, &budi.customer_id).await, (0, 0));

        let unmerged = events::CustomersUnmerged {
            customer_id: ana.customer_id.clone(),
            restored_customer_id: budi.customer_id.clone(),
            moves: moved(&budi.customer_id),
        };
        stage
            .profiles
            .say(
                stage.tenant,
                &ana.customer_id,
                Data::CustomersUnmerged(unmerged),
            )
            .await;
        entries(&stage, &ana.customer_id, 1).await;
        entries(&stage, &budi.customer_id, 2).await;
        assert_eq!(listed(&stage, &ana.customer_id).await, (1, 1));
        assert_eq!(listed(&stage, &budi.customer_id).await, (2, 2));
        // What is found by its words is whose it is now.
        let found = eventually("both are found", async || {
            let asked = pb::SearchInteractionsRequest {
                query: "halo".into(),
                ..Default::default()
            };
            let found = stage.client().search_interactions(stage.asks(asked)).await;
            let hits = found.unwrap().into_inner().hits;
            (hits.len() == 3).then_some(hits)
        })
        .await;
        for hit in found {
            let read = stage.get(&hit.interaction_id).await;
            let phone = read.input.as_ref().unwrap().participants[0]
                .identifier
                .clone();
            let owner = match phone.unwrap().value.as_str() {
                "+62811" => &ana,
                _ => &budi,
            };
            assert_eq!(read.customer.as_ref(), Some(owner));
        }
    })
    .await;
}

/// How many contacts and matters are listed as a customer's.
async fn listed(stage: &Stage, customer: &str) -> (usize, usize) {
    let asked = pb::ListInteractionsRequest {
        customer_id: customer.into(),
        ..Default::default()
    };
    let contacts = stage.client().list_interactions(stage.asks(asked)).await;
    let asked = pb::ListConversationsRequest {
        customer_id: customer.into(),
        ..Default::default()
    };
    let matters = stage
        .conversations()
        .list_conversations(stage.asks(asked))
        .await;
    (
        contacts.unwrap().into_inner().interactions.len(),
        matters.unwrap().into_inner().conversations.len(),
    )
}

#[tokio::test]
async fn a_ticket_opened_before_anybody_was_recognised_appears_with_the_customer() {
    on_every_engine(quick(), async |stage| {
        stage.fake.set_down(true);
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let ticket = TicketId::new(Clock::system().now()).to_string();
        let facts = events::TicketFacts {
            ticket_id: ticket.clone(),
            conversation_id: logged.conversation_id.clone(),
            ..Default::default()
        };
        let opened = events::TicketOpened {
            ticket: Some(facts),
            interaction_id: logged.id.clone(),
        };
        stage
            .routing
            .say(stage.tenant, &ticket, Data::TicketOpened(opened))
            .await;
        stage.fake.set_down(false);
        stage.settled(&logged.id).await;
        let customer = stage.fake.customer(stage.tenant, "+62811");
        let all = entries(&stage, &customer.customer_id, 2).await;
        assert_eq!(kinds(&all), ["ticket", "contact"]);
    })
    .await;
}

#[tokio::test]
async fn a_customer_without_contacts_has_an_empty_timeline_and_an_unknown_one_none() {
    on_every_engine(quick(), async |stage| {
        let quiet = stage.fake.customer(stage.tenant, "never called");
        assert!(timeline(&stage, &quiet.customer_id, 0).await.is_empty());
        let asked = |customer_id: String| pb::ListTimelineRequest {
            customer_id,
            ..Default::default()
        };
        let nobody = stage
            .client()
            .list_timeline(stage.asks(asked(unknown::<CustomerId>())))
            .await;
        refused(nobody, Code::NotFound, "NOT_FOUND");
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let ana = stage.settled(&logged.id).await.customer.unwrap();
        let foreign = stage
            .client()
            .list_timeline(stage.stranger(asked(ana.customer_id)))
            .await;
        refused(foreign, Code::NotFound, "NOT_FOUND");
        let malformed = stage
            .client()
            .list_timeline(stage.asks(asked(unknown::<ConversationId>())))
            .await;
        assert_eq!(malformed.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn an_end_customer_sees_their_own_timeline_only() {
    on_every_engine(quick(), async |stage| {
        let logged = stage.log(message("m-1", "+62811", "halo")).await;
        let ana = stage
            .settled(&logged.id)
            .await
            .customer
            .unwrap()
            .customer_id;
        let asked = pb::ListTimelineRequest {
            customer_id: ana.clone(),
            ..Default::default()
        };
        let me = |principal: &str| {
            Context::from(Claims::new(
                stage.tenant,
                principal,
                PrincipalKind::Customer,
            ))
        };
        let own = stage
            .client()
            .list_timeline(stage.t.request_as(&me(&ana), asked.clone()))
            .await
            .unwrap();
        assert_eq!(own.into_inner().entries.len(), 1);
        let other = me(&unknown::<CustomerId>());
        refused(
            stage
                .client()
                .list_timeline(stage.t.request_as(&other, asked))
                .await,
            Code::NotFound,
            "NOT_FOUND",
        );
    })
    .await;
}
