//! Tickets are told as they change.

use rapport_proto::routing::v1 as pb;
use tonic::{Code, Streaming};

use crate::bench::{Bench, everywhere, reason, request_id};

type Watch = Streaming<pb::WatchTicketsResponse>;

impl Bench {
    async fn watch(&self, request: pb::WatchTicketsRequest) -> Watch {
        let asked = self.boss(request);
        self.watches()
            .watch_tickets(asked)
            .await
            .unwrap()
            .into_inner()
    }

    async fn watch_from(&self, cursor: &str) -> Watch {
        let request = pb::WatchTicketsRequest {
            cursor: cursor.into(),
            ..Default::default()
        };
        self.watch(request).await
    }
}

/// The next change: what it is, of which ticket, and where it is gone on from.
async fn next(watch: &mut Watch) -> (String, String, String) {
    loop {
        let told = watch.message().await.unwrap().unwrap();
        if let Some(ticket) = told.ticket {
            return (told.change, ticket.id, told.cursor);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_in_its_order_and_goes_on_behind_every_cursor() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let (first, second) = (bench.ticket(&queue).await, bench.ticket(&queue).await);
        let mut live = bench.watch_from("start").await;
        assert_eq!(next(&mut live).await.1, first.id);
        let new = pb::Ticket {
            subject: "It is loud".into(),
            ..Default::default()
        };
        bench.set(&first, new, &["subject"]).await.unwrap();
        let merge = pb::MergeTicketsRequest {
            request_id: request_id(),
            ticket_id: first.id.clone(),
            merged_ticket_id: second.id.clone(),
            ..Default::default()
        };
        bench
            .merges()
            .merge_tickets(bench.boss(merge))
            .await
            .unwrap();
        bench.solve(&first).await;
        let mut told = Vec::new();
        while told
            .last()
            .is_none_or(|(change, ..): &(String, _, _)| change != "ticket_resolved")
        {
            told.push(next(&mut live).await);
        }
        let expected = [
            ("ticket_opened", &second.id),
            ("ticket_updated", &first.id),
            ("ticket_merged", &first.id),
            ("ticket_merged", &second.id),
            ("ticket_resolved", &first.id),
        ];
        let seen = told.iter().map(|(change, id, _)| (change.as_str(), id));
        assert!(seen.eq(expected), "{told:?}");
        // At another replica, from every place on: nothing is left out. Of two that one event tells, both are told again.
        let other = bench.another().await;
        for (place, (.., cursor)) in told.iter().enumerate().take(4) {
            let mut again = other.watch_from(cursor).await;
            let from = if place == 2 { 2 } else { place + 1 };
            for (change, id, _) in &told[from..] {
                let seen = next(&mut again).await;
                assert_eq!((&seen.0, &seen.1), (change, id));
            }
        }
        // From now on: nothing of the past.
        let mut now = bench.watch_from("").await;
        let third = bench.ticket(&queue).await;
        assert_eq!(next(&mut now).await.1, third.id);
        assert_eq!(next(&mut live).await.1, third.id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_queue_sees_what_is_in_it_and_what_leaves_it() {
    everywhere(async |bench: Bench| {
        let (care, other) = (bench.queue("care").await, bench.queue("other").await);
        let request = pb::WatchTicketsRequest {
            queue_id: care.id.clone(),
            ..Default::default()
        };
        let mut watch = bench.watch(request).await;
        bench.ticket(&other).await;
        let ticket = bench.ticket(&care).await;
        let seen = next(&mut watch).await;
        assert_eq!(
            (seen.0.as_str(), seen.1),
            ("ticket_opened", ticket.id.clone())
        );
        let new = pb::Ticket {
            queue_id: other.id.clone(),
            ..Default::default()
        };
        bench.set(&ticket, new, &["queue_id"]).await.unwrap();
        let told = watch.message().await.unwrap().unwrap();
        assert_eq!(told.fields, ["queue_id"]);
        assert_eq!(told.ticket.unwrap().queue_id, other.id);
        // It is elsewhere now; what is opened here is told next.
        bench.solve(&ticket).await;
        let last = bench.ticket(&care).await;
        assert_eq!(next(&mut watch).await.1, last.id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_watches_what_is_not_theirs_or_was_never_there() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let mut ours = bench.watch_from("").await;
        let stranger = bench.stranger(pb::WatchTicketsRequest {
            cursor: "start".into(),
            ..Default::default()
        });
        let mut theirs = bench
            .watches()
            .watch_tickets(stranger)
            .await
            .unwrap()
            .into_inner();
        bench.ticket(&queue).await;
        let (.., cursor) = next(&mut ours).await;
        let foreign = bench.stranger(pb::WatchTicketsRequest {
            cursor: cursor.clone(),
            ..Default::default()
        });
        let foreign = bench.watches().watch_tickets(foreign).await.unwrap_err();
        assert_eq!(reason(&foreign), "PAGE_TOKEN_FOREIGN");
        let broken = bench.boss(pb::WatchTicketsRequest {
            cursor: "elsewhere".into(),
            queue_id: "x".into(),
            ..Default::default()
        });
        let broken = bench.watches().watch_tickets(broken).await.unwrap_err();
        assert_eq!(broken.code(), Code::InvalidArgument);
        // Their log has nothing, and the service ends: that is all that they are told.
        bench.t.env.shutdown.cancel();
        let end = loop {
            match theirs.message().await {
                Ok(Some(told)) => assert_eq!(told.ticket, None),
                Ok(None) => panic!("a stream that is cut off says why"),
                Err(end) => break end,
            }
        };
        assert_eq!(reason(&end), "DRAINING");
    })
    .await;
}
