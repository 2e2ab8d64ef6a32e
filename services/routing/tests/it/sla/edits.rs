use super::*;
use crate::bench::reason;

/// chatwoot#14009, osTicket#3034, glpi#6902: hours that know holidays and split shifts, and clocks that stand while the
/// customer is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_know_holidays_split_shifts_and_pauses_and_tell_what_they_counted() {
    // Thursday before Easter, 11:30 in Berlin.
    everywhere_at("2026-04-02T09:30:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let calendar = bench.calendar(office()).await.unwrap();
        let targets = [target(FIRST, 60), target(SOLUTION, 480)];
        let promised = bench.promise(policy(&calendar, &targets)).await.unwrap();
        let ticket = bench.ticket(&queue).await;
        let first = bench.clock(&ticket, FIRST).await;
        // Half an hour before lunch, half an hour after it.
        assert_eq!(first.due_time, stamp("2026-04-02T11:30:00Z"));
        let solution = bench.clock(&ticket, SOLUTION).await;
        // 4.5 hours on Thursday; Friday to Monday is closed; 3.5 hours on Tuesday.
        assert_eq!(solution.due_time, stamp("2026-04-07T11:30:00Z"));

        bench.it_is("2026-04-02T12:00:00Z");
        bench.wait_for(&ticket, pb::TicketWaitingOn::Customer).await;
        bench.it_is("2026-04-07T08:00:00Z");
        bench.go_on(&ticket).await;
        bench.it_is("2026-04-07T12:00:00Z");
        let solution = bench.clock(&ticket, SOLUTION).await;
        let interval = |from: &str, to: &str, reason: pb::SlaPauseReason| pb::SlaInterval {
            start_time: stamp(from),
            end_time: stamp(to),
            reason: reason.into(),
        };
        let ran = pb::SlaPauseReason::Unspecified;
        assert_eq!(
            solution.counted_intervals,
            [
                interval("2026-04-02T09:30:00Z", "2026-04-02T10:00:00Z", ran),
                interval("2026-04-02T11:00:00Z", "2026-04-02T12:00:00Z", ran),
                interval("2026-04-07T08:00:00Z", "2026-04-07T10:00:00Z", ran),
                interval("2026-04-07T11:00:00Z", "2026-04-07T12:00:00Z", ran),
            ]
        );
        let waited = pb::SlaPauseReason::WaitingOnCustomer;
        assert_eq!(
            solution.paused_intervals,
            [interval(
                "2026-04-02T12:00:00Z",
                "2026-04-07T08:00:00Z",
                waited
            )]
        );
        assert_eq!(solution.counted_ms, 4 * 3_600_000 + 1_800_000);
        // 3.5 hours are left: until five on Tuesday three, and half an hour on Wednesday.
        assert_eq!(solution.due_time, stamp("2026-04-08T07:30:00Z"));
        let told = bench.explained(&ticket).await;
        assert_eq!(
            (
                told.sla_policy_id,
                told.sla_policy_version,
                told.calendar_version
            ),
            (promised.id, 1, 1)
        );
        assert_eq!(told.time_zone, "Europe/Berlin");
        // Nobody answered: the first response does not stand.
        assert!(bench.clock(&ticket, FIRST).await.breached);
    })
    .await;
}

fn stricter(made: &pb::SlaPolicy, minutes: i32) -> pb::UpdateSlaPolicyRequest {
    pb::UpdateSlaPolicyRequest {
        request_id: request_id(),
        sla_policy_id: made.id.clone(),
        sla_policy: Some(pb::SlaPolicy {
            targets: vec![target(SOLUTION, minutes)],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["targets".into()],
        }),
        etag: made.etag.clone(),
        validate_only: false,
    }
}

async fn edited(
    bench: &Bench,
    request: &pb::UpdateSlaPolicyRequest,
) -> (pb::SlaPolicy, pb::SlaRedating) {
    let answer = bench
        .policies()
        .update_sla_policy(bench.boss(request.clone()))
        .await;
    let answer = answer.unwrap().into_inner();
    (answer.sla_policy.unwrap(), answer.redating.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_dates_open_tickets_anew_says_how_and_fires_nothing_that_is_past() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        let wanted = policy(&calendar, &[target(SOLUTION, 600)]);
        let made = bench.promise(wanted).await.unwrap();
        let (old, solved) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        bench.it_is("2026-03-30T09:00:00Z");
        bench.solve(&solved).await;
        let waits = bench.ticket(&queue).await;
        bench.wait_for(&waits, pb::TicketWaitingOn::Customer).await;
        bench.it_is("2026-03-30T11:00:00Z");
        let young = bench.ticket(&queue).await;

        let edit = stricter(&made, 120);
        let asked = pb::UpdateSlaPolicyRequest {
            validate_only: true,
            ..edit.clone()
        };
        let expected = pb::SlaRedating {
            open_tickets: 3,
            changed_tickets: 3,
            clocks_sooner: 3,
            breaches_found: 1,
            ..Default::default()
        };
        let (would, told) = edited(&bench, &asked).await;
        assert_eq!((would.version, told), (2, expected));
        let unchanged = bench.clock(&young, SOLUTION).await;
        assert_eq!(unchanged.due_time, stamp("2026-03-30T21:00:00Z"));

        // Said again, it has no other effect and the same answer.
        for _ in 0..2 {
            let (is, told) = edited(&bench, &edit).await;
            assert_eq!((is.version, told), (2, expected));
        }
        let stale = stricter(&made, 10);
        let stale = bench.policies().update_sla_policy(bench.boss(stale)).await;
        assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");
        assert_eq!(
            bench.clock(&young, SOLUTION).await.due_time,
            stamp("2026-03-30T13:00:00Z")
        );
        let late = bench.clock(&old, SOLUTION).await;
        assert_eq!(late.due_time, stamp("2026-03-30T10:00:00Z"));
        assert!(late.breached && late.marks.iter().all(|mark| mark.found));
        // What was solved was promised as it was promised then.
        let then = bench.explained(&solved).await;
        assert_eq!(
            (then.sla_policy_version, then.clocks[0].within_s),
            (1, 36_000)
        );

        bench.it_is("2026-03-30T13:00:00Z");
        bench.hears(&young, &["breached"]).await;
        assert_eq!(bench.told(&old).await, Vec::<String>::new());
        assert_eq!(bench.told(&solved).await, ["met"]);
        // Reopened, it goes on where it stood, by what is promised now.
        bench.reopen(&solved).await;
        bench.it_is("2026-03-30T14:00:00Z");
        bench.hears(&solved, &["met", "breached"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_calendar_and_a_change_by_hand_date_anew_as_well() {
    everywhere_at("2026-04-02T09:30:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let calendar = bench.calendar(office()).await.unwrap();
        let usual = pb::SlaPolicy {
            rank: 5,
            ..policy(&calendar, &[target(SOLUTION, 480)])
        };
        bench.promise(usual).await.unwrap();
        let mut fast = policy(&calendar, &[target(SOLUTION, 60)]);
        fast.code = "fast".into();
        fast.conditions = Some(pb::SlaConditions {
            priorities: vec![types::Priority::Urgent.into()],
            ..Default::default()
        });
        let ticket = bench.ticket(&queue).await;
        // Behind the other, it never holds.
        fast.rank = 9;
        let request = pb::CreateSlaPolicyRequest {
            request_id: request_id(),
            sla_policy: Some(fast),
            validate_only: false,
        };
        let answer = bench
            .policies()
            .create_sla_policy(bench.boss(request))
            .await;
        let answer = answer.unwrap().into_inner();
        let same = pb::SlaRedating {
            open_tickets: 1,
            ..Default::default()
        };
        assert_eq!(answer.redating.unwrap(), same);
        let fast = answer.sla_policy.unwrap();
        let first = pb::UpdateSlaPolicyRequest {
            request_id: request_id(),
            sla_policy_id: fast.id.clone(),
            sla_policy: Some(pb::SlaPolicy {
                rank: 1,
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["rank".into()],
            }),
            ..Default::default()
        };
        edited(&bench, &first).await;
        let change = pb::UpdateCalendarRequest {
            request_id: request_id(),
            calendar_id: calendar.id.clone(),
            calendar: Some(pb::Calendar::default()),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["exceptions".into()],
            }),
            etag: String::new(),
            validate_only: false,
        };
        let answer = bench.calendars().update_calendar(bench.boss(change)).await;
        let told = answer.unwrap().into_inner().redating.unwrap();
        assert_eq!((told.clocks_sooner, told.changed_tickets), (1, 1));
        // Without holidays it is due on Friday.
        let due = bench.clock(&ticket, SOLUTION).await.due_time;
        assert_eq!(due, stamp("2026-04-03T11:30:00Z"));

        bench.it_is("2026-04-02T12:00:00Z");
        let urgent = pb::Ticket {
            priority: types::Priority::Urgent.into(),
            ..Default::default()
        };
        bench.set(&ticket, urgent, &["priority"]).await.unwrap();
        let told = bench.explained(&ticket).await;
        let clock = &told.clocks[0];
        // Half an hour before lunch and after it: that is past, and nobody is told.
        assert_eq!((&told.sla_policy_id, clock.breached), (&fast.id, true));
        assert_eq!(clock.due_time, stamp("2026-04-02T11:30:00Z"));
        assert!(clock.marks.iter().all(|mark| mark.found));
        bench.solve(&ticket).await;
        bench.hears(&ticket, &["met late"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_history_nobody_kept_is_dated_when_something_is_promised() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ticket = bench.ticket(&queue).await;
        let forget = |s: rapport_foundation::db::Scoped| async move {
            s.raw_exec("delete from ticket_slas where tenant_id = $1", [])
                .await
        };
        bench.t.env.db.write(bench.tenant, forget).await.unwrap();
        assert_eq!(bench.explained(&ticket).await.sla_policy_id, "");
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        bench
            .promise(policy(&calendar, &[target(SOLUTION, 120)]))
            .await
            .unwrap();
        bench.it_is("2026-03-30T09:00:00Z");
        assert_eq!(
            bench.clock(&ticket, SOLUTION).await.due_time,
            stamp("2026-03-30T10:00:00Z")
        );
        bench.it_is("2026-03-30T10:00:00Z");
        bench.hears(&ticket, &["breached"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_impact_dates_anew_as_one_of_the_priority_does() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let calendar = bench.calendar(around_the_clock()).await.unwrap();
        let raise = Action::RaisePriorityTo(types::Priority::High.into());
        let usual = pb::SlaPolicy {
            rank: 5,
            steps: vec![step("raise", -30, raise)],
            ..policy(&calendar, &[target(SOLUTION, 120)])
        };
        bench.promise(usual).await.unwrap();
        let fast = pb::SlaPolicy {
            code: "fast".into(),
            conditions: Some(pb::SlaConditions {
                priorities: vec![types::Priority::Urgent.into()],
                ..Default::default()
            }),
            ..policy(&calendar, &[target(SOLUTION, 60)])
        };
        bench.promise(fast).await.unwrap();
        let ticket = bench.ticket(&queue).await;
        let due = async || bench.clock(&ticket, SOLUTION).await.due_time;
        assert_eq!(due().await, stamp("2026-03-30T10:00:00Z"));
        let graded = |impact: types::Impact, urgency: types::Urgency| pb::Ticket {
            impact: impact.into(),
            urgency: urgency.into(),
            ..Default::default()
        };
        use types::{Impact, Priority, Urgency};
        let both = graded(Impact::High, Urgency::High);
        let urgent = bench.set(&ticket, both, &["impact", "urgency"]).await;
        assert_eq!(urgent.unwrap().priority(), Priority::Urgent);
        assert_eq!(due().await, stamp("2026-03-30T09:00:00Z"));
        assert_eq!(bench.work_of(&ticket).await[0].priority(), Priority::Urgent);
        let one = graded(Impact::Low, Urgency::Unspecified);
        let usual = bench.set(&ticket, one, &["impact"]).await.unwrap();
        assert_eq!(usual.priority(), Priority::Normal);
        assert_eq!(due().await, stamp("2026-03-30T10:00:00Z"));
        assert_eq!(bench.work_of(&ticket).await[0].priority(), Priority::Normal);

        // What an escalation raises stays when it is written back, until somebody grades anew.
        bench.it_is("2026-03-30T09:30:00Z");
        bench.hears(&ticket, &["raise"]).await;
        let raised = bench.read(&ticket).await;
        assert_eq!(
            (raised.priority(), raised.impact()),
            (Priority::High, Impact::Low)
        );
        let same = bench.set(&ticket, raised.clone(), &[]).await.unwrap();
        assert_eq!(same.priority(), Priority::High);
        let told = crate::history::changes(&bench, &ticket.id, "priority").await;
        let raised = (told[0].old_value.as_str(), told[0].new_value.as_str());
        assert_eq!(raised, ("normal", "high"));
        assert_eq!(
            told[0].agent_id.clone() + &told[0].principal,
            "",
            "by the service"
        );
        let low = graded(Impact::Unspecified, Urgency::Low);
        let low = bench.set(&ticket, low, &["urgency"]).await.unwrap();
        assert_eq!(low.priority(), Priority::Low);
    })
    .await;
}
