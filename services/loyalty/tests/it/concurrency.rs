use std::time::Instant;

use futures::future::join_all;
use rapport_foundation::role::Role;
use rapport_foundation::testing::engines;
use rapport_proto::loyalty::v1 as pb;

use crate::floor::{Floor, on_every_engine, points, precondition, refusal, rid};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_holds_for_the_last_points_exactly_one_is_ok() {
    on_every_engine(async |f| {
        for _ in 0..10 {
            let member = f.member().await;
            f.earn(&member, 10).await.unwrap();
            let (one, two) = tokio::join!(f.hold(&member, 10, 0), f.hold(&member, 10, 0));
            let (winner, loser) = if one.is_ok() { (one, two) } else { (two, one) };
            winner.unwrap();
            assert_eq!(refusal(loser), precondition("BALANCE_TOO_LOW"));
            assert_eq!(f.balance(&member).await, [0, 10, 0, 0]);
        }
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_on_one_account_are_all_right() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let begun = Instant::now();
        let caller = async |number: i64| {
            f.earn(&member, number).await.unwrap();
            let hold = f.hold(&member, 1, 0).await.unwrap().hold.unwrap().id;
            if number % 2 == 0 {
                f.capture(&hold, None).await.unwrap();
            } else {
                f.void(&hold).await.unwrap();
            }
        };
        join_all((1..=100).map(caller)).await;
        println!("300 commands of 100 callers in {:?}", begun.elapsed());
        assert_eq!(f.balance(&member).await, [5_050 - 50, 0, 0, 0]);
        assert_eq!(f.entries(&member).await.len(), 300);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_calls_with_one_request_id_credit_once() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let request = pb::EarnPointsRequest {
            request_id: rid(),
            member_id: member.clone(),
            points: Some(points(100)),
            ..pb::EarnPointsRequest::default()
        };
        let call = async |_| {
            f.ledger()
                .earn_points(f.ask(request.clone()))
                .await
                .unwrap()
                .into_inner()
        };
        let answers = join_all((0..20).map(call)).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(f.balance(&member).await, [100, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_calls_for_one_order_earn_once() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let answers = join_all((0..20).map(|_| f.earn_by(&member, "A-1", 10_000))).await;
        let first = answers[0].as_ref().unwrap().entry.clone();
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().unwrap().entry == first)
        );
        assert_eq!(f.balance(&member).await, [100, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_captured_or_voided_and_never_both() {
    on_every_engine(async |f| {
        let member = f.member().await;
        f.earn(&member, 20).await.unwrap();
        for _ in 0..10 {
            let hold = f.hold(&member, 1, 0).await.unwrap().hold.unwrap().id;
            let (captured, voided) = tokio::join!(f.capture(&hold, None), f.void(&hold));
            assert!(captured.is_ok() != voided.is_ok());
        }
        f.check().await;
    })
    .await;
}

/// Two replicas share the database and nothing else: the version of the account is what keeps them apart.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_account_agree() {
    for engine in engines() {
        let one = Floor::open(&engine).await;
        let replica = one
            .t
            .house
            .env_on(one.t.database.clone(), Role::Loyalty)
            .await;
        let two = Floor::on(replica, one.tenant, one.clock.clone()).await;
        let member = one.member().await;
        one.earn(&member, 50).await.unwrap();
        let call = async |number: usize| {
            let floor = if number.is_multiple_of(2) { &one } else { &two };
            floor.hold(&member, 1, 0).await
        };
        let answers = join_all((0..80).map(call)).await;
        let held = answers.iter().filter(|answer| answer.is_ok()).count();
        for refused in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(refused), precondition("BALANCE_TOO_LOW"));
        }
        assert_eq!(held, 50);
        assert_eq!(two.balance(&member).await, [0, 50, 0, 0]);
        one.check().await;
    }
}
