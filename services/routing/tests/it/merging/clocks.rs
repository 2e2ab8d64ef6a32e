//! What is promised for tickets that are one matter counts from the earlier of them, until they are two again.

use rapport_proto::routing::v1 as pb;

use crate::bench::Bench;
use crate::sla::{FIRST, SOLUTION, around_the_clock, everywhere_at, policy, stamp, target};

#[tokio::test(flavor = "multi_thread")]
async fn the_earlier_start_counts_until_the_merge_is_taken_back() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        let targets = [target(FIRST, 60), target(SOLUTION, 240)];
        bench.promise(policy(&calendar, &targets)).await.unwrap();
        let queue = bench.queue("care").await;
        let early = bench.ticket(&queue).await;
        bench.it_is("2026-03-30T08:30:00Z");
        let late = bench.ticket(&queue).await;
        bench.it_is("2026-03-30T08:50:00Z");
        bench.merge(&late, &early).await.unwrap();
        let due = async |ticket: &pb::Ticket, kind| {
            let clock = bench.clock(ticket, kind).await;
            (clock.start_time, clock.due_time)
        };
        let (start, end) = (stamp("2026-03-30T08:00:00Z"), stamp("2026-03-30T12:00:00Z"));
        for either in [&late, &early] {
            assert_eq!(due(either, SOLUTION).await, (start, end));
        }
        bench.verified().await;
        // The breach of the one that stands for both, once, and of no other.
        bench.it_is("2026-03-30T09:00:00Z");
        bench.hears(&late, &["breached"]).await;
        assert_eq!(bench.told(&early).await, [""; 0]);

        bench.it_is("2026-03-30T09:10:00Z");
        bench.unmerge(&early).await.unwrap();
        let late_start = stamp("2026-03-30T08:30:00Z");
        let late_end = stamp("2026-03-30T12:30:00Z");
        assert_eq!(due(&late, SOLUTION).await, (late_start, late_end));
        assert_eq!(due(&early, SOLUTION).await, (start, end));
        bench.verified().await;
        // What a merge or its end finds to be past is noted and not told; what is to come is.
        bench.it_is("2026-03-30T09:30:00Z");
        bench.hears(&late, &["breached", "breached"]).await;
        bench.it_is("2026-03-30T12:00:00Z");
        bench.hears(&early, &["breached"]).await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_when_tickets_become_one_is_noted_and_not_told() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        let targets = [target(SOLUTION, 60)];
        bench.promise(policy(&calendar, &targets)).await.unwrap();
        let queue = bench.queue("care").await;
        let early = bench.ticket(&queue).await;
        bench.it_is("2026-03-30T09:30:00Z");
        bench.hears(&early, &["breached"]).await;
        let late = bench.ticket(&queue).await;
        bench.merge(&late, &early).await.unwrap();
        let clocks = bench.explained(&late).await.clocks;
        let found: Vec<_> = clocks.into_iter().flat_map(|clock| clock.marks).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].found, "{found:?}");
        // A merge that follows in the log shows that nothing was told of the whole before.
        bench.log_with("ticket_merged").await;
        assert_eq!(bench.told(&late).await, [""; 0]);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_wrote_meanwhile_is_not_waited_for_when_the_merge_is_taken_back() {
    use rapport_foundation::role::Role;

    use crate::bench::Teller;
    use crate::intake::{Contact, tickets, work};

    crate::bench::everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let queue = bench.queue("care").await;
        let contact = Contact::new();
        teller.tell(bench.tenant, &[contact.message()]).await;
        let part = tickets(&bench, &contact.of_conversation(), 1)
            .await
            .remove(0);
        bench.wait_for(&part, pb::TicketWaitingOn::Customer).await;
        let quiet = bench.ticket(&queue).await;
        bench.wait_for(&quiet, pb::TicketWaitingOn::Customer).await;
        let solved = bench.ticket(&queue).await;
        bench.solve(&solved).await;
        let whole = bench.ticket(&queue).await;
        for merged in [&part, &quiet, &solved] {
            bench.merge(&whole, merged).await.unwrap();
        }
        teller.tell(bench.tenant, &[contact.next().call()]).await;
        let waiting = pb::WorkItemState::Waiting;
        let withdrawn = pb::WorkItemState::Withdrawn;
        // Of the contact, of the three others, and of the call.
        work(
            &bench,
            &whole,
            &[waiting, waiting, withdrawn, waiting, waiting],
        )
        .await;
        for (merged, state) in [
            (&part, pb::TicketState::Open),
            (&quiet, pb::TicketState::Pending),
            (&solved, pb::TicketState::Resolved),
        ] {
            assert_eq!(bench.unmerge(merged).await.unwrap().state(), state);
        }
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_solved_and_has_work_again_is_open_when_the_merge_is_taken_back() {
    use rapport_foundation::role::Role;

    use crate::bench::Teller;
    use crate::intake::{Contact, tickets, work};

    crate::bench::everywhere(async |bench: Bench| {
        let teller = Teller::of(&bench, Role::Interactions).await;
        let queue = bench.queue("care").await;
        let contact = Contact::new();
        teller.tell(bench.tenant, &[contact.message()]).await;
        let part = tickets(&bench, &contact.of_conversation(), 1)
            .await
            .remove(0);
        bench.solve(&part).await;
        let whole = bench.ticket(&queue).await;
        bench.merge(&whole, &part).await.unwrap();
        teller.tell(bench.tenant, &[contact.next().call()]).await;
        let (waiting, withdrawn) = (pb::WorkItemState::Waiting, pb::WorkItemState::Withdrawn);
        work(&bench, &whole, &[withdrawn, waiting, waiting]).await;
        bench.verified().await;
        let freed = bench.unmerge(&part).await.unwrap();
        assert_eq!(
            (freed.state(), freed.reopen_count),
            (pb::TicketState::Open, 1)
        );
        work(&bench, &part, &[withdrawn, waiting]).await;
        bench.verified().await;
    })
    .await;
}
