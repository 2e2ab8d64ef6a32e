use rapport_foundation::testing::eventually;

use super::*;
use crate::restart::stop;

fn hinted(
    contact: &Contact,
    hint: types::RoutingHint,
) -> (String, rapport_foundation::events::Data) {
    let mut facts = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
    facts.routing = Some(hint);
    contact.linked(facts)
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_name_no_queue_are_put_by_the_policy_and_those_that_do_are_not() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let urgent = pb::RoutingTarget {
            required_skills: vec!["calm".into()],
            raise_priority_to: types::Priority::High.into(),
            ..to(&care)
        };
        let expression = "contact.live && contact.inbound && customer.known \
                          && ticket.channel == 'phone' && ticket.purpose == 'support'";
        bench
            .route(vec![filter("calls", expression, vec![urgent])])
            .await;
        let teller = Teller::of(&bench, Role::Interactions).await;
        let (plain, named, unheard, mail) = (
            Contact::new(),
            Contact::new(),
            Contact::new(),
            Contact::new(),
        );
        let hint = |queue: &str, priority: types::Priority| types::RoutingHint {
            queue: queue.into(),
            required_skills: vec!["dutch".into()],
            priority: priority.into(),
        };
        let told = [
            plain.call(),
            hinted(&named, hint("sales", types::Priority::Low)),
            hinted(&unheard, hint("nowhere", types::Priority::Urgent)),
            mail.message(),
        ];
        teller.tell(bench.tenant, &told).await;
        let ticket = async |contact: &Contact| {
            tickets(&bench, &contact.of_conversation(), 1)
                .await
                .remove(0)
        };
        let by_policy = ticket(&plain).await;
        assert_eq!(
            (&by_policy.queue_id, by_policy.priority()),
            (&care.id, types::Priority::High)
        );
        assert_eq!(by_policy.required_skills, Vec::<String>::new());
        let work = bench.work_of(&by_policy).await.remove(0);
        assert_eq!(
            (work.required_skills, &work.queue_id),
            (vec!["calm".to_owned()], &care.id)
        );
        let by_name = ticket(&named).await;
        assert_eq!(
            (&by_name.queue_id, by_name.priority()),
            (&sales.id, types::Priority::Low)
        );
        let told = bench.explain_ticket(&by_name).await;
        assert_eq!(told.choice(), pb::RoutingChoice::Named);
        let unknown = ticket(&unheard).await;
        assert_eq!(
            (&unknown.queue_id, unknown.priority()),
            (&care.id, types::Priority::Urgent),
            "a queue that is none is not named, and a higher priority stays"
        );
        let work = bench.work_of(&unknown).await.remove(0);
        assert_eq!(work.required_skills, ["calm", "dutch"]);
        let other = ticket(&mail).await;
        assert!(![&care.id, &sales.id].contains(&&other.queue_id));
        let told = bench.explain_ticket(&other).await;
        assert_eq!(
            (told.choice(), told.filter.as_str(), told.targets.len()),
            (pb::RoutingChoice::Policy, "", 0)
        );
        bench.verified().await;
    })
    .await;
}

const START: &str = "2026-03-30T08:00:00Z";

/// A way from the experts of care to anybody of care to sales.
async fn three_targets(bench: &Bench) -> (pb::Queue, pb::Queue) {
    let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
    let experts = pb::RoutingTarget {
        required_skills: vec!["expert".into()],
        timeout_s: 60,
        ..to(&care)
    };
    let anybody = pb::RoutingTarget {
        timeout_s: 60,
        ..to(&care)
    };
    let overflow = pb::RoutingTarget {
        raise_priority_to: types::Priority::Urgent.into(),
        ..to(&sales)
    };
    let targets = vec![experts, anybody, overflow];
    bench.route(vec![filter("all", "true", targets)]).await;
    (care, sales)
}

async fn waits_in(bench: &Bench, ticket: &pb::Ticket, queue: &pb::Queue, skills: &[&str]) {
    eventually("the work is where it should be", async || {
        let work = bench.work_of(ticket).await.remove(0);
        (work.queue_id == queue.id && work.required_skills == skills).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_accepts_goes_from_target_to_target_whoever_decides() {
    everywhere_at(START, async |bench: Bench| {
        let (care, sales) = three_targets(&bench).await;
        let ticket = bench.tagged("vip").await;
        waits_in(&bench, &ticket, &care, &["expert"]).await;
        bench.it_is("2026-03-30T08:01:00Z");
        waits_in(&bench, &ticket, &care, &[]).await;
        let told = bench.explain_ticket(&ticket).await;
        let entered: Vec<_> = told
            .targets
            .iter()
            .map(|one| one.enter_time.is_some())
            .collect();
        assert_eq!(entered, [true, true, false]);
        assert_eq!(told.targets[1].leave_time.unwrap().seconds % 3_600, 120);
        bench.it_is("2026-03-30T08:02:00Z");
        waits_in(&bench, &ticket, &sales, &[]).await;
        let work = bench.work_of(&ticket).await.remove(0);
        assert_eq!(work.priority(), types::Priority::Urgent);
        assert_eq!(
            work.queue_time.unwrap().seconds % 3_600,
            0,
            "its age is kept"
        );
        let read = bench.list_tickets(Default::default()).await.remove(0);
        assert_eq!(read.queue_id, care.id, "the matter stays where it is");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_goes_on_under_the_next_owner() {
    everywhere_at(START, async |bench: Bench| {
        let (care, sales) = three_targets(&bench).await;
        let ticket = bench.tagged("vip").await;
        waits_in(&bench, &ticket, &care, &["expert"]).await;
        let old = stop(bench).await;
        let other = old.another().await;
        other.it_is("2026-03-30T08:01:00Z");
        // Nobody decides before somebody calls or a tenant is adopted.
        other.queue("other").await;
        waits_in(&other, &ticket, &care, &[]).await;
        other.it_is("2026-03-30T08:02:00Z");
        waits_in(&other, &ticket, &sales, &[]).await;
        other.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_moved_by_hand_is_on_no_way_any_more() {
    everywhere_at(START, async |bench: Bench| {
        let (care, sales) = three_targets(&bench).await;
        let (moved, changed) = (bench.tagged("a").await, bench.tagged("b").await);
        let update = async |ticket: &pb::Ticket, new: pb::Ticket, path: &str| {
            let request = pb::UpdateTicketRequest {
                request_id: request_id(),
                ticket_id: ticket.id.clone(),
                ticket: Some(new),
                update_mask: Some(prost_types::FieldMask {
                    paths: vec![path.into()],
                }),
                ..Default::default()
            };
            bench
                .tickets()
                .update_ticket(bench.boss(request))
                .await
                .unwrap();
        };
        let to_sales = pb::Ticket {
            queue_id: sales.id.clone(),
            ..Default::default()
        };
        update(&moved, to_sales, "queue_id").await;
        waits_in(&bench, &moved, &sales, &[]).await;
        let dutch = pb::Ticket {
            required_skills: vec!["dutch".into()],
            ..Default::default()
        };
        update(&changed, dutch, "required_skills").await;
        waits_in(&bench, &changed, &care, &["dutch", "expert"]).await;
        bench.it_is("2026-03-30T08:01:00Z");
        waits_in(&bench, &changed, &care, &["dutch"]).await;
        waits_in(&bench, &moved, &sales, &[]).await;
        assert_ne!(
            bench.work_of(&moved).await[0].priority(),
            types::Priority::Urgent
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_at_work_is_passed_over() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let ana = bench.hire("ana", &care).await;
        let skipped = pb::RoutingTarget {
            skip_unstaffed: true,
            ..to(&care)
        };
        bench
            .route(vec![filter("all", "true", vec![skipped, to(&sales)])])
            .await;
        let ticket = bench.tagged("a").await;
        assert_eq!(ticket.queue_id, sales.id);
        let told = bench.explain_ticket(&ticket).await;
        assert!(told.targets[0].skipped && told.targets[1].enter_time.is_some());
        let _desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Away).await;
        assert_eq!(bench.tagged("b").await.queue_id, care.id);
        bench.set_status(&ana, pb::AgentStatus::Offline).await;
        assert_eq!(bench.tagged("c").await.queue_id, sales.id);
        bench.verified().await;
    })
    .await;
}
