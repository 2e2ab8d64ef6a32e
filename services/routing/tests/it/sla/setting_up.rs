use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;
use crate::bench::reason;

fn violations(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let bad = status.get_details_bad_request().unwrap();
    let told = bad.field_violations.into_iter();
    told.map(|v| format!("{} {}", v.field, v.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_is_set_up_found_and_changed() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let made = bench.calendar(office()).await.unwrap();
        assert_eq!((made.version, made.exceptions.len()), (1, 2));
        let taken = bench.calendar(office()).await.unwrap_err();
        assert_eq!(
            (taken.code(), reason(&taken).as_str()),
            (Code::AlreadyExists, "SLA_CODE_TAKEN")
        );
        let always = bench.calendar(around_the_clock()).await.unwrap();

        let list = pb::ListCalendarsRequest {
            page_size: 1,
            ..Default::default()
        };
        let page = bench
            .calendars()
            .list_calendars(bench.boss(list.clone()))
            .await;
        let page = page.unwrap().into_inner();
        assert_eq!(page.calendars[0].id, always.id, "newest first");
        let more = pb::ListCalendarsRequest {
            page_token: page.next_page_token,
            ..list
        };
        let page = bench.calendars().list_calendars(bench.boss(more)).await;
        let page = page.unwrap().into_inner();
        assert_eq!(
            (page.calendars, page.next_page_token),
            (vec![made.clone()], String::new())
        );
        let by_code = pb::ListCalendarsRequest {
            code: "office".into(),
            ..Default::default()
        };
        let page = bench.calendars().list_calendars(bench.boss(by_code)).await;
        assert_eq!(page.unwrap().into_inner().calendars.len(), 1);

        let change = pb::UpdateCalendarRequest {
            request_id: request_id(),
            calendar_id: made.id.clone(),
            calendar: Some(pb::Calendar {
                time_zone: "Asia/Jakarta".into(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["time_zone".into()],
            }),
            etag: made.etag.clone(),
            validate_only: false,
        };
        for _ in 0..2 {
            let changed = bench
                .calendars()
                .update_calendar(bench.boss(change.clone()))
                .await;
            let changed = changed.unwrap().into_inner().calendar.unwrap();
            assert_eq!(
                (changed.version, changed.time_zone.as_str()),
                (2, "Asia/Jakarta")
            );
            assert_eq!(changed.weekly_openings, made.weekly_openings);
        }
        let stale = pb::UpdateCalendarRequest {
            request_id: request_id(),
            ..change
        };
        let stale = bench.calendars().update_calendar(bench.boss(stale)).await;
        assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");

        let read = pb::GetCalendarRequest {
            calendar_id: made.id,
        };
        let foreign = bench.calendars().get_calendar(bench.stranger(read)).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_nobody_can_count_with_is_refused_with_all_its_faults() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let never = pb::Calendar {
            weekly_openings: Vec::new(),
            time_zone: "Europe/Atlantis".into(),
            ..office()
        };
        assert_eq!(
            violations(&bench.calendar(never).await.unwrap_err()),
            [
                "calendar.time_zone UNKNOWN_TIME_ZONE",
                "calendar.weekly_openings REQUIRED"
            ]
        );
        let mut odd = office();
        odd.weekly_openings[1].end_minute = odd.weekly_openings[1].start_minute;
        odd.weekly_openings[2].start_minute = -1;
        odd.exceptions[1].date = odd.exceptions[0].date.clone();
        odd.exceptions[1].openings = vec![pb::CalendarOpening {
            start_minute: 1_440,
            end_minute: 1_500,
        }];
        assert_eq!(
            violations(&bench.calendar(odd).await.unwrap_err()),
            [
                "calendar.weekly_openings[1] IMPOSSIBLE_OPENING",
                "calendar.weekly_openings[2] IMPOSSIBLE_OPENING",
                "calendar.exceptions[1].openings IMPOSSIBLE_OPENING",
                "calendar.exceptions[1].date DUPLICATE"
            ]
        );
        let mut named = office();
        named.code = String::new();
        named.version = 3;
        named.weekly_openings[0].day = 9;
        named.exceptions[0].date = "2026-4-3".into();
        assert_eq!(
            violations(&bench.calendar(named).await.unwrap_err()),
            [
                "calendar.version SET_BY_SERVICE",
                "calendar.code REQUIRED",
                "calendar.weekly_openings[0].day UNKNOWN_VALUE",
                "calendar.exceptions[0].date MALFORMED_DATE"
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_up_found_and_changed() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let agent = bench.hire("ana", &queue).await;
        let calendar = bench.calendar(office()).await.unwrap();
        let mut wanted = policy(&calendar, &[target(FIRST, 60), target(SOLUTION, 480)]);
        wanted.conditions = Some(pb::SlaConditions {
            queue_ids: vec![queue.id.clone()],
            priorities: vec![types::Priority::High.into()],
            channels: vec![types::Channel::Email.into()],
            purposes: vec![types::Purpose::Complaint.into()],
        });
        wanted.steps = vec![
            step("warn", -60, Action::Notify(pb::SlaNotify {})),
            step(
                "raise",
                0,
                Action::RaisePriorityTo(types::Priority::Urgent.into()),
            ),
            step("move", 30, Action::MoveToQueueId(queue.id.clone())),
            step("assign", 60, Action::AssignToAgentId(agent.id)),
        ];
        let made = bench.promise(wanted.clone()).await.unwrap();
        assert_eq!(
            (&made.conditions, &made.steps),
            (&wanted.conditions, &wanted.steps)
        );
        assert_eq!((&made.targets, made.version), (&wanted.targets, 1));
        let taken = bench.promise(wanted.clone()).await.unwrap_err();
        assert_eq!(reason(&taken), "SLA_CODE_TAKEN");

        let read = pb::GetSlaPolicyRequest {
            sla_policy_id: made.id.clone(),
        };
        let again = bench
            .policies()
            .get_sla_policy(bench.boss(read.clone()))
            .await;
        assert_eq!(again.unwrap().into_inner().sla_policy, Some(made.clone()));
        let foreign = bench.policies().get_sla_policy(bench.stranger(read)).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
        let list = pb::ListSlaPoliciesRequest {
            code: "usual".into(),
            ..Default::default()
        };
        let page = bench.policies().list_sla_policies(bench.boss(list)).await;
        assert_eq!(page.unwrap().into_inner().sla_policies.len(), 1);

        let mut lost = wanted.clone();
        lost.code = "lost".into();
        lost.targets.pop();
        let lost = bench.promise(lost).await.unwrap_err();
        assert_eq!(reason(&lost), "SLA_STEP_WITHOUT_TARGET");
        let mut nowhere = wanted;
        nowhere.code = "nowhere".into();
        nowhere.calendar_id = "cal_01h455vb4pex5vsknk084sn02q".into();
        let nowhere = bench.promise(nowhere).await.unwrap_err();
        assert_eq!(nowhere.code(), Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_makes_no_sense_is_refused_with_all_its_faults() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let nowhere = pb::Calendar::default();
        let mut odd = policy(&nowhere, &[target(FIRST, 0), target(FIRST, 10)]);
        odd.rank = -1;
        odd.conditions = Some(pb::SlaConditions {
            queue_ids: vec!["x".into()],
            priorities: vec![2, 2, 99],
            ..Default::default()
        });
        odd.steps = vec![
            step("Loud", 0, Action::RaisePriorityTo(0)),
            pb::SlaStep {
                action: None,
                ..step("quiet", 0, Action::Notify(pb::SlaNotify {}))
            },
            step("quiet", 0, Action::MoveToQueueId("x".into())),
        ];
        assert_eq!(
            violations(&bench.promise(odd).await.unwrap_err()),
            [
                "sla_policy.rank OUT_OF_RANGE",
                "sla_policy.calendar_id REQUIRED",
                "sla_policy.conditions.queue_ids[0] MALFORMED_ID",
                "sla_policy.conditions.priorities[1] DUPLICATE",
                "sla_policy.conditions.priorities[2] UNKNOWN_VALUE",
                "sla_policy.targets[0].within_s OUT_OF_RANGE",
                "sla_policy.targets[1].clock DUPLICATE",
                "sla_policy.steps[0].code MALFORMED_CODE",
                "sla_policy.steps[0].raise_priority_to REQUIRED",
                "sla_policy.steps[1].action REQUIRED",
                "sla_policy.steps[2].move_to_queue_id MALFORMED_ID",
                "sla_policy.steps[2].code DUPLICATE",
            ]
        );
        let none = pb::SlaPolicy {
            targets: Vec::new(),
            calendar_id: "cal_01h455vb4pex5vsknk084sn02q".into(),
            ..policy(&nowhere, &[])
        };
        assert_eq!(
            violations(&bench.promise(none).await.unwrap_err()),
            ["sla_policy.targets REQUIRED"]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_says_for_whom_it_waits_and_can_be_cancelled() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue("care").await;
        let ticket = bench.ticket(&queue).await;
        let waits = bench
            .wait_for(&ticket, pb::TicketWaitingOn::ThirdParty)
            .await;
        assert_eq!(
            (waits.state(), waits.waiting_on()),
            (pb::TicketState::Pending, pb::TicketWaitingOn::ThirdParty)
        );
        let open = bench.go_on(&ticket).await;
        assert_eq!(open.waiting_on(), pb::TicketWaitingOn::Unspecified);
        let both = pb::Ticket {
            state: pb::TicketState::Open.into(),
            waiting_on: pb::TicketWaitingOn::Customer.into(),
            ..Default::default()
        };
        let refused = bench.set(&ticket, both, &["state", "waiting_on"]).await;
        assert_eq!(
            violations(&refused.unwrap_err()),
            ["ticket.waiting_on CONTRADICTS_STATE"]
        );
        let cancel = pb::CancelTicketRequest {
            request_id: request_id(),
            ticket_id: ticket.id.clone(),
            outcome: "duplicate".into(),
            ..Default::default()
        };
        for _ in 0..2 {
            let answer = bench
                .tickets()
                .cancel_ticket(bench.boss(cancel.clone()))
                .await;
            let over = answer.unwrap().into_inner().ticket.unwrap();
            assert_eq!(
                (
                    over.state(),
                    over.outcome.as_str(),
                    over.close_time.is_some()
                ),
                (pb::TicketState::Cancelled, "duplicate", true)
            );
        }
        let work = bench.work_of(&ticket).await;
        assert_eq!(work[0].state(), pb::WorkItemState::Withdrawn);
        let closed = bench.log_with("ticket_closed").await;
        let cancelled = closed.into_iter().any(
            |event| matches!(event.data, Some(Data::TicketClosed(closed)) if closed.cancelled),
        );
        assert!(cancelled);
        bench.verified().await;
    })
    .await;
}
