use rapport_proto::loyalty::v1 as pb;
use rapport_proto::loyalty::v1::EntryType as T;
use tonic::Code;

use crate::floor::{
    amounts, on_every_engine, points, precondition, purchase, refusal, rid, violations,
};

#[tokio::test(flavor = "multi_thread")]
async fn points_are_earned_held_captured_and_the_rest_goes_back() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let earned = f.earn(&member, 100).await.unwrap();
        assert_eq!(amounts(&earned.balance.unwrap()), [100, 0, 0, 0]);
        let held = f.hold(&member, 60, 0).await.unwrap();
        assert_eq!(amounts(&held.balance.unwrap()), [40, 60, 0, 0]);
        let hold = held.hold.unwrap();
        assert_eq!(
            (hold.state(), hold.etag.as_str()),
            (pb::HoldState::Open, "\"1\"")
        );
        assert_eq!(f.get_hold(&hold.id).await.unwrap(), hold);

        let captured = f.capture(&hold.id, Some(45)).await.unwrap();
        assert_eq!(amounts(captured.balance.as_ref().unwrap()), [55, 0, 0, 0]);
        let closed = captured.hold.unwrap();
        let units = |amount: Option<rapport_proto::types::v1::Amount>| amount.unwrap().units;
        assert_eq!(closed.state(), pb::HoldState::Captured);
        assert_eq!(
            [units(closed.captured.clone()), units(closed.voided.clone())],
            [45, 15]
        );
        assert_eq!(f.get_hold(&hold.id).await.unwrap(), closed);
        assert_eq!(
            f.story(&member).await,
            [
                (T::Earn, 100),
                (T::Hold, 60),
                (T::Capture, 45),
                (T::Void, 15)
            ]
        );
        let entries = f.entries(&member).await;
        assert!(entries.iter().rev().map(|entry| entry.sequence).eq(1..=4));
        for entry in &entries {
            let sum: i64 = entry
                .postings
                .iter()
                .map(|p| p.amount.as_ref().unwrap().units)
                .sum();
            assert_eq!(sum, 0, "debits are credits");
        }
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_gives_everything_back_and_a_closed_hold_stays_closed() {
    on_every_engine(async |f| {
        let member = f.member().await;
        f.earn(&member, 10).await.unwrap();
        let hold = f.hold(&member, 10, 0).await.unwrap().hold.unwrap();
        let stale = pb::VoidHoldRequest {
            request_id: rid(),
            hold_id: hold.id.clone(),
            etag: "\"7\"".into(),
        };
        let seen = refusal(f.ledger().void_hold(f.ask(stale)).await);
        assert_eq!(seen, (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        let voided = f.void(&hold.id).await.unwrap();
        assert_eq!(voided.entry.unwrap().r#type(), T::Void);
        assert_eq!(f.balance(&member).await, [10, 0, 0, 0]);
        assert_eq!(
            refusal(f.void(&hold.id).await),
            precondition("HOLD_NOT_OPEN")
        );
        assert_eq!(
            refusal(f.capture(&hold.id, None).await),
            precondition("HOLD_NOT_OPEN")
        );
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_no_amounts_are_refused_before_anything_moves() {
    on_every_engine(async |f| {
        let member = f.member().await;
        for units in [0, -1, i64::MIN, 1_000_000_000_000_001, i64::MAX] {
            let seen = violations(f.earn(&member, units).await);
            assert_eq!(
                seen,
                [("points.units".to_owned(), "OUT_OF_RANGE".to_owned())]
            );
            assert_eq!(violations(f.hold(&member, units, 0).await), seen);
        }
        let earn = async |change: &dyn Fn(&mut pb::EarnPointsRequest)| {
            let mut request = pb::EarnPointsRequest {
                request_id: rid(),
                member_id: member.clone(),
                ..pb::EarnPointsRequest::default()
            };
            change(&mut request);
            f.ledger().earn_points(f.ask(request)).await
        };
        let seen = violations(earn(&|_| {}).await);
        assert_eq!(seen, [("points".to_owned(), "REQUIRED".to_owned())]);
        let both = earn(&|request| {
            request.points = Some(points(1));
            request.order = Some(purchase("A", 1_000));
        });
        assert_eq!(
            violations(both.await),
            [("points".to_owned(), "EXACTLY_ONE".to_owned())]
        );
        let other = earn(&|request| {
            request.points = Some(rapport_proto::types::v1::Amount {
                exponent: 2,
                ..points(1)
            });
        });
        assert_eq!(refusal(other.await), precondition("POINTS_MISMATCH"));
        let bad = earn(&|request| {
            request.request_id = "no".into();
            request.member_id = "mem".into();
            request.order = Some(purchase("", -1));
            request.reason = "NOT A CODE".into();
        });
        assert_eq!(violations(bad.await).len(), 5);
        assert_eq!(f.balance(&member).await, [0, 0, 0, 0]);
        assert!(f.entries(&member).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_earns_once_by_the_rule_in_the_programmes_currency() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let first = f.earn_by(&member, "A-1", 1_999).await.unwrap();
        let entry = first.entry.unwrap();
        assert_eq!(
            (entry.points.clone(), entry.order_id.as_str()),
            (Some(points(19)), "A-1")
        );
        let again = f.earn_by(&member, "A-1", 1_999).await.unwrap();
        assert_eq!(again.entry, Some(entry));
        let other = (Code::AlreadyExists, "ORDER_REUSED".to_owned());
        assert_eq!(refusal(f.earn_by(&member, "A-1", 2_000).await), other);

        let small = f.earn_by(&member, "A-2", 499).await.unwrap();
        assert_eq!(
            (small.entry, amounts(&small.balance.unwrap())),
            (None, [19, 0, 0, 0])
        );
        assert_eq!(refusal(f.earn_by(&member, "A-2", 999).await), other);

        let mut dollars = purchase("A-3", 1_000);
        dollars.total.as_mut().unwrap().code = "USD".into();
        let request = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.clone(),
            order: Some(dollars),
            ..pb::EarnPointsRequest::default()
        };
        let seen = refusal(f.ledger().earn_points(f.ask(request)).await);
        assert_eq!(seen, precondition("CURRENCY_MISMATCH"));
        let huge = refusal(f.earn_by(&member, "A-4", i64::MAX).await);
        assert_eq!(huge, (Code::InvalidArgument, "EARN_TOO_LARGE".to_owned()));
        assert_eq!(f.balance(&member).await, [19, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_gets_the_same_answer_and_has_no_second_effect() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let earn = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.clone(),
            points: Some(points(100)),
            ..pb::EarnPointsRequest::default()
        };
        let first = f
            .ledger()
            .earn_points(f.ask(earn.clone()))
            .await
            .unwrap()
            .into_inner();
        let entry = first.entry.as_ref().unwrap().id.clone();
        let refund = pb::ReverseEntryRequest {
            request_id: rid(),
            entry_id: entry.clone(),
            points: Some(points(30)),
            reason: String::new(),
        };
        let back = f
            .ledger()
            .reverse_entry(f.ask(refund.clone()))
            .await
            .unwrap()
            .into_inner();
        f.clock.advance(std::time::Duration::from_secs(8 * 86_400));

        let again = f
            .ledger()
            .earn_points(f.ask(earn.clone()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(again, first, "also after more than a week");
        let again = f
            .ledger()
            .reverse_entry(f.ask(refund))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(again, back);
        let other = pb::EarnPointsRequest {
            points: Some(points(101)),
            ..earn
        };
        let seen = refusal(f.ledger().earn_points(f.ask(other)).await);
        assert_eq!(seen, (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
        assert_eq!(f.balance(&member).await, [70, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_remembered() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let hold = pb::HoldPointsRequest {
            request_id: rid(),
            member_id: member.clone(),
            points: Some(points(5)),
            ..pb::HoldPointsRequest::default()
        };
        let seen = refusal(f.ledger().hold_points(f.ask(hold.clone())).await);
        assert_eq!(seen, precondition("BALANCE_TOO_LOW"));
        f.earn(&member, 5).await.unwrap();
        f.ledger().hold_points(f.ask(hold)).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 5, 0, 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_taken_back_than_an_entry_moved() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let entry = f.earn(&member, 50).await.unwrap().entry.unwrap().id;
        f.reverse(&entry, Some(20)).await.unwrap();
        let seen = refusal(f.reverse(&entry, Some(31)).await);
        assert_eq!(seen, precondition("REVERSAL_TOO_LARGE"));
        let rest = f.reverse(&entry, None).await.unwrap().entry.unwrap();
        assert_eq!(
            (rest.points, rest.reversed_entry_id),
            (Some(points(30)), entry.clone())
        );
        assert_eq!(
            refusal(f.reverse(&entry, None).await),
            precondition("ALREADY_REVERSED")
        );
        assert_eq!(
            refusal(f.reverse(&rest.id, None).await),
            precondition("NOT_REVERSIBLE")
        );
        assert_eq!(f.balance(&member).await, [0, 0, 0, 0]);
        f.check().await;
    })
    .await;
}
