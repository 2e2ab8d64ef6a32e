//! The clock of the machine is set back and forward by hours: what is due comes, once, and nobody else decides.

use std::time::Duration;

use rapport_proto::events::v1::OfferEndReason;

use super::timers::promised;
use super::*;
use crate::bench::Desk;
use crate::restart::stop;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

impl Bench {
    /// Sets the clock, as an operator does: no time passes.
    fn clock_says(&self, text: &str) {
        self.t.env.clock.correct(at(text));
    }

    fn time_passes(&self, span: Duration) {
        self.t.env.clock.advance(span);
    }

    async fn is_done(&self, item: &pb::WorkItem) {
        eventually("wrap-up is over", async || {
            let item = self.work_item(&item.id).await;
            (item.state() == pb::WorkItemState::Completed).then_some(())
        })
        .await;
    }

    /// Every event of the tenant is there, in positions without gaps, and each kind as often as is said.
    async fn has_told(&self, counts: &[(&str, usize)]) {
        eventually(&format!("{counts:?}"), async || {
            let mut client = LogServiceClient::new(self.channel.clone());
            let request = pb::ReadLogRequest {
                page_size: 1_000,
                ..Default::default()
            };
            let answer = client.read_log(self.boss(request)).await.unwrap();
            let events = answer.into_inner().events;
            for (place, event) in (1..).zip(&events) {
                assert_eq!(event.position.as_ref().unwrap().n, place);
            }
            let told = |kind| events.iter().filter(|event| event.r#type == kind).count();
            assert!(counts.iter().all(|(kind, count)| told(*kind) <= *count));
            let all = counts.iter().all(|(kind, count)| told(*kind) == *count);
            all.then_some(())
        })
        .await;
    }
}

/// Somebody who takes work, at a desk.
async fn at_a_desk(bench: &Bench, queue: &pb::Queue) -> (pb::Agent, Desk) {
    let agent = bench.hire("ana", queue).await;
    let desk = bench.desk(&agent).await;
    bench.set_status(&agent, pb::AgentStatus::Available).await;
    (agent, desk)
}

fn patient() -> pb::Queue {
    pb::Queue {
        code: "care".into(),
        display_name: "Care".into(),
        offer_timeout_s: 30,
        wrap_up_s: 600,
        max_lapsed_offers: 100,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_holds_up_no_offer_no_wrap_up_and_no_promise() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let warn = step("warn", -30, Action::Notify(pb::SlaNotify {}));
        promised(&bench, vec![warn]).await;
        let queue = bench.queue_like(patient()).await;
        let (_, mut desk) = at_a_desk(&bench, &queue).await;
        let ticket = bench.ticket(&queue).await;
        let first = desk.offer().await;
        let (epoch, _) = bench.lease().await;
        bench.clock_says("2026-03-30T03:00:00Z");
        // Twice the time at most, and no hours.
        bench.time_passes(MINUTE);
        let end = desk.offer_end().await;
        assert_eq!(
            (&end.offer_id, end.reason()),
            (&first.id, OfferEndReason::Expired)
        );
        let second = desk.offer().await;
        let item = bench.accept(&second.id).await.unwrap();
        bench.complete(&item).await;
        bench.time_passes(20 * MINUTE);
        bench.is_done(&item).await;
        bench.time_passes(3 * HOUR);
        bench.hears(&ticket, &["warn"]).await;
        bench.time_passes(HOUR);
        bench.hears(&ticket, &["warn", "breached"]).await;
        // The clock catches up with what was decided, and passes it.
        bench.time_passes(12 * HOUR);
        bench.solve(&ticket).await;
        bench
            .hears(&ticket, &["warn", "breached", "met late"])
            .await;
        bench
            .has_told(&[
                ("offer_made", 2),
                ("offer_accepted", 1),
                ("work_item_completed", 1),
            ])
            .await;
        assert_eq!(bench.lease().await.0, epoch, "nobody else decides");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forward_and_back_again_fires_nothing_twice() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let warn = step("warn", -30, Action::Notify(pb::SlaNotify {}));
        promised(&bench, vec![warn]).await;
        let queue = bench.queue_like(patient()).await;
        let (agent, mut desk) = at_a_desk(&bench, &queue).await;
        let ticket = bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let (epoch, _) = bench.lease().await;
        bench.clock_says("2026-03-30T13:00:00Z");
        // As after a machine that slept: what was due meanwhile is due, once.
        assert_eq!(desk.offer_end().await.offer_id, offer.id);
        bench.hears(&ticket, &["warn", "breached"]).await;
        bench.clock_says("2026-03-30T08:00:01Z");
        let again = desk.offer().await;
        let other = bench.ticket(&queue).await;
        bench.time_passes(MINUTE);
        assert_eq!(desk.offer_end().await.offer_id, again.id);
        let third = desk.offer().await;
        let item = bench.accept(&third.id).await.unwrap();
        assert_eq!(item.ticket_id, ticket.id, "the oldest first, still");
        bench.complete(&item).await;
        bench.time_passes(20 * MINUTE);
        bench.is_done(&item).await;
        let fourth = desk.offer().await;
        assert_eq!(fourth.work_item.unwrap().ticket_id, other.id);
        bench.accept(&fourth.id).await.unwrap();
        bench.hears(&ticket, &["warn", "breached"]).await;
        bench.hears(&other, &[]).await;
        assert_eq!(bench.lease().await.0, epoch, "nobody else decides");
        assert_eq!(fourth.agent_id, agent.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_over_with_a_clock_that_is_behind_goes_on_from_what_was_decided() {
    everywhere_at("2026-03-30T08:00:00Z", async |bench: Bench| {
        let queue = bench.queue_like(patient()).await;
        let (agent, mut desk) = at_a_desk(&bench, &queue).await;
        bench.ticket(&queue).await;
        let offer = desk.offer().await;
        let old = stop(bench).await;
        old.clock_says("2026-03-30T03:00:00Z");
        let bench = old.another().await;
        let mut desk = bench.desk(&agent).await;
        bench.time_passes(MINUTE);
        assert_eq!(desk.offer_end().await.offer_id, offer.id);
        let again = desk.offer().await;
        let made = |offer: &pb::Offer| offer.offer_time.unwrap();
        let (before, after) = (made(&offer), made(&again));
        assert!((before.seconds, before.nanos) < (after.seconds, after.nanos));
        bench.accept(&again.id).await.unwrap();
        bench.verified().await;
        drop(old);
    })
    .await;
}
