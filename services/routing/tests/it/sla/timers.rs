use super::*;
use crate::restart::stop;

/// The solution within two hours around the clock, and what is done about it.
pub(super) async fn promised(bench: &Bench, steps: Vec<pb::SlaStep>) -> pb::SlaPolicy {
    let calendar = bench.calendar(around_the_clock()).await.unwrap();
    let wanted = pb::SlaPolicy {
        steps,
        ..policy(&calendar, &[target(SOLUTION, 120)])
    };
    bench.promise(wanted).await.unwrap()
}

/// zammad#5257: escalation came when somebody looked, or did not come.
#[tokio::test(flavor = "multi_thread")]
async fn escalations_come_on_time_and_do_what_they_say() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let (care, experts) = (bench.queue("care").await, bench.queue("experts").await);
        let ana = bench.hire("ana", &experts).await;
        let steps = vec![
            step("warn", -30, Action::Notify(pb::SlaNotify {})),
            step(
                "raise",
                0,
                Action::RaisePriorityTo(types::Priority::Urgent.into()),
            ),
            step("move", 30, Action::MoveToQueueId(experts.id.clone())),
            step("assign", 60, Action::AssignToAgentId(ana.id.clone())),
        ];
        promised(&bench, steps).await;
        let ticket = bench.ticket(&care).await;
        bench.it_is("2026-03-30T09:29:59.999999Z");
        assert_eq!(bench.clock(&ticket, SOLUTION).await.marks, []);
        bench.it_is("2026-03-30T09:30:00Z");
        bench.hears(&ticket, &["warn"]).await;
        bench.it_is("2026-03-30T10:00:00.5Z");
        bench.hears(&ticket, &["warn", "breached", "raise"]).await;
        let raised = bench.read(&ticket).await;
        assert_eq!(raised.priority(), types::Priority::Urgent);
        assert_eq!(raised.queue_id, care.id);
        bench.it_is("2026-03-30T10:30:00Z");
        let all = ["warn", "breached", "raise", "move"];
        bench.hears(&ticket, &all).await;
        let work = &bench.work_of(&ticket).await[0];
        assert_eq!(
            (&work.queue_id, work.priority()),
            (&experts.id, types::Priority::Urgent)
        );
        bench.it_is("2026-03-30T12:00:00Z");
        let all = ["warn", "breached", "raise", "move", "assign"];
        bench.hears(&ticket, &all).await;
        assert_eq!(bench.read(&ticket).await.owner_agent_id, ana.id);

        let clock = bench.clock(&ticket, SOLUTION).await;
        assert!(clock.breached);
        let marks = clock.marks.iter();
        let marks: Vec<_> = marks
            .map(|m| (m.step.as_str(), m.due_time, m.found))
            .collect();
        let due = |text| stamp(text);
        assert_eq!(
            marks,
            [
                ("warn", due("2026-03-30T09:30:00Z"), false),
                ("", due("2026-03-30T10:00:00Z"), false),
                ("raise", due("2026-03-30T10:00:00Z"), false),
                ("move", due("2026-03-30T10:30:00Z"), false),
                ("assign", due("2026-03-30T11:00:00Z"), false),
            ]
        );
        bench.solve(&ticket).await;
        bench.it_is("2026-03-31T12:00:00Z");
        bench
            .hears(&ticket, &[&all[..], &["met late"]].concat())
            .await;
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_due_while_nobody_was_there_is_done_once_whoever_comes() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let care = bench.queue("care").await;
        let steps = vec![
            step("warn", -30, Action::Notify(pb::SlaNotify {})),
            step(
                "raise",
                60,
                Action::RaisePriorityTo(types::Priority::High.into()),
            ),
        ];
        promised(&bench, steps).await;
        let ticket = bench.ticket(&care).await;
        // Work keeps a tenant awake after a restart; a clock alone must as well.
        let idle = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                subject: "No work".into(),
                queue_id: care.id.clone(),
                ..Default::default()
            }),
            work_channel: 0,
        };
        let idle = bench.tickets().create_ticket(bench.boss(idle)).await;
        let idle = idle.unwrap().into_inner().ticket.unwrap();
        let old = stop(bench).await;
        old.it_is("2026-03-30T10:00:00Z");
        let first = old.another().await;
        for ticket in [&ticket, &idle] {
            first.hears(ticket, &["warn", "breached"]).await;
        }
        // Two at once, and each of them thinks that it owns the tenant.
        let second = first.another().await;
        first.it_is("2026-03-30T11:00:00Z");
        for ticket in [&ticket, &idle] {
            second.hears(ticket, &["warn", "breached", "raise"]).await;
        }
        let (old, last) = (stop(first).await, stop(second).await);
        let third = last.another().await;
        third.it_is("2026-03-30T12:00:00Z");
        // Whatever it still does comes before what it is asked now.
        third.solve(&ticket).await;
        let all = ["warn", "breached", "raise", "met late"];
        third.hears(&ticket, &all).await;
        assert_eq!(third.told(&idle).await, all[..3]);
        third.verified().await;
        drop(old);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tickets_that_are_due_at_once_are_all_told_of() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let care = bench.queue("care").await;
        promised(&bench, Vec::new()).await;
        let mut tickets = Vec::new();
        // More than are dated in one decision.
        for _ in 0..30 {
            let made = (0..8).map(|_| bench.ticket(&care));
            tickets.extend(futures::future::join_all(made).await);
        }
        bench.it_is("2026-03-30T10:00:00Z");
        eventually("all are told of", async || {
            let mut client = LogServiceClient::new(bench.channel.clone());
            let request = pb::ReadLogRequest {
                page_size: 1_000,
                ..Default::default()
            };
            let answer = client.read_log(bench.boss(request)).await.unwrap();
            let breached = |data: Data| match data {
                Data::SlaBreached(breached) => Some(breached.ticket?.ticket_id),
                _ => None,
            };
            let events = answer.into_inner().events.into_iter();
            let mut told: Vec<_> = events.filter_map(|e| breached(e.data?)).collect();
            let count = told.len();
            told.sort();
            told.dedup();
            assert_eq!(told.len(), count, "none twice");
            (count == tickets.len()).then_some(())
        })
        .await;
    })
    .await;
}
