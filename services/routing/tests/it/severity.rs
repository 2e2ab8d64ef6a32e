//! Impact and urgency, and the priority that follows from them.

use rapport_proto::events::v1::event::Data;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use rapport_proto::types::v1::{Impact, Priority, Urgency};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, everywhere, request_id};

fn violations(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let bad = status.get_details_bad_request().unwrap();
    let violations = bad.field_violations.into_iter();
    violations
        .map(|v| format!("{} {}", v.field, v.reason))
        .collect()
}

fn graded(impact: Impact, urgency: Urgency) -> pb::Ticket {
    pb::Ticket {
        impact: impact.into(),
        urgency: urgency.into(),
        ..Default::default()
    }
}

async fn create(bench: &Bench, ticket: pb::Ticket) -> Result<pb::Ticket, Status> {
    let request = pb::CreateTicketRequest {
        request_id: request_id(),
        ticket: Some(ticket),
        work_channel: types::Channel::Email.into(),
    };
    let answer = bench.tickets().create_ticket(bench.boss(request)).await?;
    Ok(answer.into_inner().ticket.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_priority_follows_from_impact_and_urgency() {
    everywhere(async |bench: Bench| {
        let ticket = create(&bench, graded(Impact::High, Urgency::Medium))
            .await
            .unwrap();
        assert_eq!(ticket.priority(), Priority::High);
        let opened = bench.log_with("ticket_opened").await;
        let facts = opened.iter().find_map(|event| match &event.data {
            Some(Data::TicketOpened(opened)) => opened.ticket.clone(),
            _ => None,
        });
        let facts = facts.unwrap();
        let told = (facts.priority(), facts.impact(), facts.urgency());
        assert_eq!(told, (Priority::High, Impact::High, Urgency::Medium));

        // One of them is enough when both are known.
        let new = graded(Impact::Low, Urgency::Unspecified);
        let lower = bench.set(&ticket, new, &["impact"]).await.unwrap();
        let told = (lower.priority(), lower.impact(), lower.urgency());
        assert_eq!(told, (Priority::Low, Impact::Low, Urgency::Medium));
        assert_eq!(bench.work_of(&ticket).await[0].priority(), Priority::Low);

        // A priority beside them is the one that follows, or it is refused.
        let mut new = graded(Impact::High, Urgency::High);
        new.priority = Priority::High.into();
        let paths = ["impact", "urgency", "priority"];
        let refused = bench.set(&ticket, new.clone(), &paths).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            ["ticket.priority CONTRADICTS_SEVERITY"]
        );
        let refused = create(&bench, new.clone()).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            ["ticket.priority CONTRADICTS_SEVERITY"]
        );
        new.priority = Priority::Urgent.into();
        let urgent = bench.set(&ticket, new, &paths).await.unwrap();
        assert_eq!(urgent.priority(), Priority::Urgent);

        // Whoever grades and says no priority means the one that follows.
        let new = graded(Impact::Low, Urgency::Low);
        let low = bench.set(&ticket, new, &paths).await.unwrap();
        assert_eq!(low.priority(), Priority::Low);

        // What was read can be written back.
        let same = bench.set(&ticket, low.clone(), &[]).await.unwrap();
        assert_eq!(
            (same.priority(), same.impact()),
            (Priority::Low, Impact::Low)
        );

        // Alone it would contradict.
        let new = pb::Ticket {
            priority: Priority::Urgent.into(),
            ..Default::default()
        };
        let refused = bench
            .set(&ticket, new.clone(), &["priority"])
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            ["ticket.priority CONTRADICTS_SEVERITY"]
        );
        // Without them it stands for itself.
        let paths = ["impact", "urgency", "priority"];
        let freed = bench.set(&ticket, new, &paths).await.unwrap();
        let told = (freed.priority(), freed.impact(), freed.urgency());
        assert_eq!(
            told,
            (Priority::Urgent, Impact::Unspecified, Urgency::Unspecified)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_severity_is_refused() {
    everywhere(async |bench: Bench| {
        let half = graded(Impact::High, Urgency::Unspecified);
        let refused = create(&bench, half.clone()).await.unwrap_err();
        assert_eq!(violations(&refused), ["ticket.urgency REQUIRED_TOGETHER"]);
        let plain = create(&bench, pb::Ticket::default()).await.unwrap();
        let refused = bench
            .set(&plain, half.clone(), &["impact"])
            .await
            .unwrap_err();
        assert_eq!(violations(&refused), ["ticket REQUIRED_TOGETHER"]);
        let refused = bench
            .set(&plain, half, &["impact", "urgency"])
            .await
            .unwrap_err();
        assert_eq!(violations(&refused), ["ticket.urgency REQUIRED_TOGETHER"]);
        let graded = create(&bench, graded(Impact::Low, Urgency::Low))
            .await
            .unwrap();
        let nothing = pb::Ticket::default();
        let refused = bench.set(&graded, nothing, &["urgency"]).await.unwrap_err();
        assert_eq!(violations(&refused), ["ticket REQUIRED_TOGETHER"]);
        let wrong = pb::Ticket {
            impact: 9,
            urgency: -1,
            category: "Not A Code".into(),
            subcategory: "x".repeat(65),
            parent_ticket_id: "nope".into(),
            reassignment_count: 1,
            attributes: [("UPPER".to_owned(), "a\0b".to_owned())].into(),
            ..Default::default()
        };
        let refused = create(&bench, wrong).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            [
                "ticket.reassignment_count SET_BY_SERVICE",
                "ticket.impact UNKNOWN_VALUE",
                "ticket.urgency UNKNOWN_VALUE",
                "ticket.category MALFORMED_CODE",
                "ticket.subcategory MALFORMED_CODE",
                "ticket.parent_ticket_id MALFORMED_ID",
                "ticket.attributes[0] CONTROL_CHARACTER",
                "ticket.attributes[0] MALFORMED_KEY",
            ]
        );
        let many = (0..65).map(|n| (format!("k{n}"), String::new()));
        let many = pb::Ticket {
            attributes: many.collect(),
            ..Default::default()
        };
        let refused = create(&bench, many).await.unwrap_err();
        assert_eq!(violations(&refused), ["ticket.attributes TOO_MANY"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_another_system_are_kept_as_given_and_not_told_to_customers() {
    everywhere(async |bench: Bench| {
        use rapport_foundation::context::{Claims, PrincipalKind};
        use rapport_foundation::id::{CustomerId, RecordId};
        let now = rapport_foundation::time::Clock::system().now();
        let customer = types::CustomerRef {
            customer_id: CustomerId::new(now).to_string(),
            record_id: RecordId::new(now).to_string(),
        };
        let ticket = pb::Ticket {
            category: "network".into(),
            subcategory: "access".into(),
            customer: Some(customer.clone()),
            attributes: [("made_sla".to_owned(), "false".to_owned())].into(),
            ..Default::default()
        };
        let made = create(&bench, ticket.clone()).await.unwrap();
        let told = (made.category.as_str(), made.subcategory.as_str());
        assert_eq!(told, ("network", "access"));
        assert_eq!(made.attributes, ticket.attributes);
        let listed = bench.list_tickets(pb::ListTicketsRequest::default()).await;
        assert!(listed[0].attributes.is_empty(), "lists leave them out");
        let mut claims = Claims::new(bench.tenant, &customer.customer_id, PrincipalKind::Customer);
        claims.roles = vec!["end_customer".into()];
        let request = pb::GetTicketRequest {
            ticket_id: made.id.clone(),
        };
        let asked = bench.t.request_as(&claims.into(), request);
        let own = bench
            .tickets()
            .get_ticket(asked)
            .await
            .unwrap()
            .into_inner()
            .ticket
            .unwrap();
        assert_eq!((own.id, own.attributes.is_empty()), (made.id.clone(), true));
        let new = pb::Ticket {
            attributes: [("made_sla".to_owned(), "true".to_owned())].into(),
            ..Default::default()
        };
        let changed = bench
            .set(&made, new.clone(), &["attributes"])
            .await
            .unwrap();
        assert_eq!(
            (changed.attributes, changed.category.as_str()),
            (new.attributes, "network")
        );
        let cleared = bench
            .set(&made, pb::Ticket::default(), &["attributes", "category"])
            .await;
        let cleared = cleared.unwrap();
        assert!(cleared.attributes.is_empty() && cleared.category.is_empty());
    })
    .await;
}
