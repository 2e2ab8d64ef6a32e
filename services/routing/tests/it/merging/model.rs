//! Whatever is merged, taken back and split in whatever order: every work item is seen at the one ticket that stands
//! for it, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use rapport_proto::routing::v1 as pb;

use crate::bench::{Bench, everywhere, request_id};

/// What must be seen: by ticket what it was merged into, and by work item its ticket.
struct Model {
    tickets: Vec<pb::Ticket>,
    into: BTreeMap<String, String>,
    work: BTreeMap<String, String>,
}

impl Model {
    fn whole(&self, ticket: &str) -> String {
        match self.into.get(ticket) {
            Some(next) => self.whole(next),
            None => ticket.to_owned(),
        }
    }

    fn pick(&self, number: u64) -> &pb::Ticket {
        let count = self.tickets.len() as u64;
        &self.tickets[usize::try_from(number % count).unwrap()]
    }
}

/// Numbers without any order, the same each time.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn any_sequence_of_merges_splits_and_their_ends_is_seen_as_the_model_says() {
    everywhere(async |bench: Bench| {
        let queue = bench.queue("care").await;
        let mut model = Model {
            tickets: Vec::new(),
            into: BTreeMap::new(),
            work: BTreeMap::new(),
        };
        for _ in 0..6 {
            let ticket = bench.ticket(&queue).await;
            for work in bench.work_of(&ticket).await {
                model.work.insert(work.id, ticket.id.clone());
            }
            model.tickets.push(ticket);
        }
        let mut numbers = numbers(7);
        let mut next = || numbers.next().unwrap();
        for _ in 0..60 {
            let (what, one, other) = (next() % 5, next(), next());
            let (one, other) = (model.pick(one).clone(), model.pick(other).clone());
            match what {
                0 | 1 => merges(&bench, &mut model, &one, &other).await,
                2 | 3 => frees(&bench, &mut model, &one).await,
                _ => splits(&bench, &mut model, &one).await,
            }
        }
        for ticket in &model.tickets {
            let seen = bench.work_of(ticket).await.into_iter();
            let seen: BTreeSet<String> = seen.map(|work| work.id).collect();
            let of = model.work.iter().filter(|(_, of)| {
                let mut above = Some(of.as_str());
                while let Some(id) = above.filter(|id| *id != ticket.id) {
                    above = model.into.get(id).map(String::as_str);
                }
                above.is_some()
            });
            let expected: BTreeSet<String> = of.map(|(work, _)| work.clone()).collect();
            assert_eq!(seen, expected, "{}", ticket.id);
        }
        bench.verified().await;
    })
    .await;
}

async fn merges(bench: &Bench, model: &mut Model, one: &pb::Ticket, other: &pb::Ticket) {
    let whole = model.whole(&one.id);
    let merged = bench.merge(one, other).await;
    let is_free = !model.into.contains_key(&other.id);
    let is_one = model.whole(&other.id) == whole;
    if one.id == other.id || (!is_one && !is_free) {
        assert!(merged.is_err());
        return;
    }
    assert_eq!(merged.unwrap().id, whole);
    if !is_one {
        model.into.insert(other.id.clone(), whole);
    }
}

async fn frees(bench: &Bench, model: &mut Model, one: &pb::Ticket) {
    let freed = bench.unmerge(one).await;
    assert_eq!(freed.is_ok(), model.into.remove(&one.id).is_some());
}

async fn splits(bench: &Bench, model: &mut Model, one: &pb::Ticket) {
    let Some((work, _)) = model.work.iter().find(|(_, of)| **of == one.id) else {
        return;
    };
    let work = work.clone();
    let request = pb::SplitTicketRequest {
        request_id: request_id(),
        ticket_id: one.id.clone(),
        work_item_ids: vec![work.clone()],
        ..Default::default()
    };
    let split = bench.merges().split_ticket(bench.boss(request)).await;
    if model.into.contains_key(&one.id) {
        assert!(split.is_err());
        return;
    }
    let new = split.unwrap().into_inner().split_ticket.unwrap();
    model.work.insert(work, new.id.clone());
    model.tickets.push(new);
}
