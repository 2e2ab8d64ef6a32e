use std::time::Duration;

use rapport_foundation::testing::eventually;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::loyalty::v1::EntryType as T;

use crate::floor::{DAY, on_every_engine, points, precondition, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_claw_back_beyond_the_balance_is_a_debt_that_the_next_earn_pays_first() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let order = f
            .earn_by(&member, "A-1", 10_000)
            .await
            .unwrap()
            .entry
            .unwrap()
            .id;
        let hold = f.hold(&member, 80, 0).await.unwrap().hold.unwrap().id;
        f.capture(&hold, None).await.unwrap();
        f.reverse(&order, None).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 0, 0, 80]);
        assert_eq!(
            refusal(f.hold(&member, 1, 0).await),
            precondition("BALANCE_TOO_LOW")
        );

        f.earn_by(&member, "A-2", 5_000).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 0, 0, 30]);
        f.earn_by(&member, "A-3", 5_000).await.unwrap();
        assert_eq!(f.balance(&member).await, [20, 0, 0, 0]);
        let story = f.story(&member).await;
        assert_eq!(
            story[3..],
            [
                (T::Reverse, 100),
                (T::Earn, 50),
                (T::DebtPayment, 50),
                (T::Earn, 50),
                (T::DebtPayment, 30)
            ]
        );
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_come_back_pay_a_debt_before_they_can_be_spent() {
    on_every_engine(async |f| {
        let member = f.member().await;
        let order = f
            .earn_by(&member, "A-1", 10_000)
            .await
            .unwrap()
            .entry
            .unwrap()
            .id;
        let hold = f.hold(&member, 100, 0).await.unwrap().hold.unwrap().id;
        f.reverse(&order, None).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 100, 0, 100]);
        f.void(&hold).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refunded_purchase_gives_points_back_to_the_lots_they_came_from() {
    on_every_engine(async |f| {
        let member = f.member_of(|program| program.validity_days = 10).await;
        let first = f.earn(&member, 30).await.unwrap().entry.unwrap();
        f.clock.advance(DAY);
        let second = f.earn(&member, 30).await.unwrap().entry.unwrap();
        let lot = |entry: &pb::Entry| entry.allocations[0].lot_id.clone();
        let hold = f.hold(&member, 40, 0).await.unwrap().hold.unwrap().id;
        let spent = f.capture(&hold, None).await.unwrap().entry.unwrap();
        let touched: Vec<_> = spent
            .allocations
            .iter()
            .map(|part| (part.lot_id.clone(), part.amount.clone().unwrap().units))
            .collect();
        assert_eq!(
            touched,
            [(lot(&first), -30), (lot(&second), -10)],
            "what lapses first goes first"
        );

        let back = f.reverse(&spent.id, Some(25)).await.unwrap().entry.unwrap();
        let touched: Vec<_> = back
            .allocations
            .iter()
            .map(|part| (part.lot_id.clone(), part.amount.clone().unwrap().units))
            .collect();
        assert_eq!(touched, [(lot(&second), 10), (lot(&first), 15)]);
        f.clock.advance(9 * DAY);
        // The first lot is over: its rest has lapsed, and what comes back to it lapses at once.
        assert_eq!(f.balance(&member).await, [30, 0, 0, 0]);
        f.reverse(&spent.id, None).await.unwrap();
        assert_eq!(f.balance(&member).await, [30, 0, 0, 0]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_wait_last_and_lapse_by_the_clock_alone() {
    on_every_engine(async |f| {
        let member = f
            .member_of(|program| {
                program.activation_delay_s = 3_600;
                program.validity_days = 30;
            })
            .await;
        f.earn(&member, 10).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 0, 10, 0]);
        assert_eq!(
            refusal(f.hold(&member, 1, 0).await),
            precondition("BALANCE_TOO_LOW")
        );
        f.clock.advance(Duration::from_secs(3_600));
        let balance = f.get_balance(&member).await;
        assert_eq!(balance.available, Some(points(10)));
        assert_eq!(balance.next_expiring, Some(points(10)));
        f.clock.advance(30 * DAY - Duration::from_micros(1));
        assert_eq!(f.balance(&member).await, [10, 0, 0, 0]);
        f.clock.advance(Duration::from_micros(1));
        assert_eq!(f.balance(&member).await, [0, 0, 0, 0]);
        // The sweep writes down what the balance has said all along.
        let story = eventually("the points lapse", async || {
            Some(f.story(&member).await).filter(|story| story.len() == 2)
        });
        assert_eq!(story.await, [(T::Earn, 10), (T::Expire, 10)]);
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_that_expires_under_a_hold_is_kept_until_the_hold_resolves() {
    on_every_engine(async |f| {
        let member = f.member_of(|program| program.validity_days = 1).await;
        f.earn(&member, 100).await.unwrap();
        let kept = f
            .hold(&member, 40, 2_592_000)
            .await
            .unwrap()
            .hold
            .unwrap()
            .id;
        let given = f
            .hold(&member, 30, 2_592_000)
            .await
            .unwrap()
            .hold
            .unwrap()
            .id;
        f.clock.advance(2 * DAY);
        assert_eq!(f.balance(&member).await, [0, 70, 0, 0]);
        f.capture(&kept, Some(25)).await.unwrap();
        f.void(&given).await.unwrap();
        assert_eq!(f.balance(&member).await, [0, 0, 0, 0]);
        let units = |amount: Option<rapport_proto::types::v1::Amount>| amount.unwrap().units;
        let hold = f.get_hold(&kept).await.unwrap();
        assert_eq!(
            [
                units(hold.captured),
                units(hold.voided),
                units(hold.expired)
            ],
            [25, 0, 15]
        );
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_lapses_by_the_clock_and_cannot_be_captured_afterwards() {
    on_every_engine(async |f| {
        let member = f.member().await;
        f.earn(&member, 10).await.unwrap();
        let hold = f.hold(&member, 10, 60).await.unwrap().hold.unwrap().id;
        f.clock.advance(Duration::from_secs(60));
        assert_eq!(f.balance(&member).await, [10, 0, 0, 0]);
        assert_eq!(
            f.get_hold(&hold).await.unwrap().state(),
            pb::HoldState::Lapsed
        );
        assert_eq!(
            refusal(f.capture(&hold, None).await),
            precondition("HOLD_NOT_OPEN")
        );
        assert_eq!(
            f.story(&member).await,
            [(T::Earn, 10), (T::Hold, 10), (T::Void, 10)]
        );
        f.check().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_does_not_take_what_was_earned_later() {
    on_every_engine(async |f| {
        let member = f.member_of(|program| program.validity_days = 10).await;
        for _ in 0..5 {
            f.earn(&member, 10).await.unwrap();
            f.clock.advance(2 * DAY);
        }
        // Ten days after the first: one lot after the other lapses, never all at once.
        assert_eq!(f.balance(&member).await, [40, 0, 0, 0]);
        let hold = f.hold(&member, 15, 0).await.unwrap().hold.unwrap().id;
        f.capture(&hold, None).await.unwrap();
        f.clock.advance(2 * DAY);
        assert_eq!(
            f.balance(&member).await,
            [25, 0, 0, 0],
            "the spent lot has nothing to lapse"
        );
        f.clock.advance(2 * DAY);
        assert_eq!(f.balance(&member).await, [20, 0, 0, 0]);
        f.check().await;
    })
    .await;
}
