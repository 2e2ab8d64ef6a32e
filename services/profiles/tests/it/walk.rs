//! A random walk through everything that can be done, checked against a small model.

use std::collections::{BTreeMap, BTreeSet};

use rapport_proto::profiles::v1 as pb;
use rapport_proto::types::v1::Identifier;
use tonic::Code;

use crate::desk::{Desk, add, email, fresh, handle, merge, on_every_desk, phone, unmerge, values};

/// Enough steps that customers are merged in chains, split and deleted; few enough for a test.
const STEPS: u32 = 100;

/// A small generator: the same seed is the same walk.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn identifier(&mut self) -> Identifier {
        let number = self.roll(12);
        match self.roll(3) {
            0 => phone(&format!("+62812345678{number:02}")),
            1 => email(&format!("c{number}@example.com")),
            _ => handle("line", &format!("h{number}")),
        }
    }
}

/// What was seen: each customer met, as it answered last.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn any(&self, dice: &mut Dice) -> Option<String> {
        let at = dice.roll(self.0.len().max(1));
        self.0.iter().nth(at).cloned()
    }
}

fn expected(outcome: Result<(), tonic::Status>) {
    let Err(status) = outcome else { return };
    let refused = [
        Code::FailedPrecondition,
        Code::AlreadyExists,
        Code::NotFound,
        Code::InvalidArgument,
    ];
    assert!(refused.contains(&status.code()), "{status:?}");
}

async fn step(desk: &Desk, dice: &mut Dice, seen: &mut Seen) {
    let (one, other) = (seen.any(dice), seen.any(dice));
    let (Some(one), Some(other)) = (one, other) else {
        let resolved = desk.resolved("walk", &[dice.identifier()]).await;
        seen.0.insert(resolved.customer.unwrap().customer_id);
        return;
    };
    match dice.roll(12) {
        0..=4 => {
            let identifiers: Vec<Identifier> =
                (0..=dice.roll(3)).map(|_| dice.identifier()).collect();
            let source = format!("source{}", dice.roll(2));
            let resolved = desk.resolved(&source, &identifiers).await;
            let again = desk.resolved(&source, &identifiers).await;
            assert_eq!(again.customer, resolved.customer);
            seen.0.insert(resolved.customer.unwrap().customer_id);
        }
        5..=7 => expected(desk.merge_customers(merge(&one, &other)).await.map(drop)),
        8 | 9 => {
            let part = desk.got(&other).await;
            let whole = if part.merged_into_customer_id.is_empty() {
                one
            } else {
                part.merged_into_customer_id
            };
            expected(
                desk.unmerge_customers(unmerge(&whole, &other))
                    .await
                    .map(drop),
            );
        }
        10 => expected(
            desk.add_identifier(add(&one, dice.identifier()))
                .await
                .map(drop),
        ),
        _ if dice.roll(3) == 0 => {
            let request = pb::DeleteCustomerRequest {
                request_id: fresh(),
                customer_id: one,
                etag: String::new(),
            };
            expected(desk.delete_customer(request).await.map(drop));
        }
        _ => {
            let held = desk.got(&one).await.identifiers;
            let Some(held) = held.first() else { return };
            let request = pb::RemoveIdentifierRequest {
                request_id: fresh(),
                customer_id: one,
                identifier_id: held.id.clone(),
                etag: String::new(),
            };
            expected(desk.remove_identifier(request).await.map(drop));
        }
    }
}

/// Each identifier is shown by one standing customer, and resolving it leads there.
async fn shown_agrees_with_resolved(desk: &Desk, seen: &Seen) {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for id in &seen.0 {
        let customer = desk.got(id).await;
        if customer.state() != pb::CustomerState::Active {
            continue;
        }
        for value in values(&customer) {
            assert_eq!(owners.insert(value, id.clone()), None);
        }
        for held in customer.identifiers {
            let resolved = desk
                .resolved("check", &[held.identifier.unwrap()])
                .await
                .customer
                .unwrap();
            assert_eq!(
                (&resolved.customer_id, resolved.record_id),
                (id, held.record_id)
            );
        }
    }
}

#[tokio::test]
async fn whatever_is_done_everybody_stays_in_their_place() {
    on_every_desk(async |desk| {
        for seed in 1..=2 {
            let mut dice = Dice(seed);
            let mut seen = Seen::default();
            for number in 0..STEPS {
                step(&desk, &mut dice, &mut seen).await;
                if number % 25 == 0 {
                    desk.holds().await;
                }
            }
            desk.holds().await;
            shown_agrees_with_resolved(&desk, &seen).await;
        }
    })
    .await;
}
