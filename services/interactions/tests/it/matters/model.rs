//! Any changes of conversations, against a model of what they come to.

use std::collections::{BTreeMap, BTreeSet};

use super::{contact, contents, merge, split, undo};
use crate::stage::{Stage, on_every_engine, quick};
use crate::threading::Dice;

#[derive(Clone)]
struct Change {
    id: String,
    whole: String,
    part: String,
    taken: Option<BTreeSet<String>>,
    undone: bool,
    /// A split whose conversation went back as a part.
    attached: bool,
}

/// What conversations ought to be: worked out from the changes, the slow way.
#[derive(Default)]
struct Model {
    homes: BTreeMap<String, String>,
    changes: Vec<Change>,
}

impl Model {
    fn piece(&self, interaction: &str) -> String {
        let mut splits = self.changes.iter().rev().filter(|change| !change.undone);
        let last = splits.find(|change| {
            change
                .taken
                .as_ref()
                .is_some_and(|taken| taken.contains(interaction))
        });
        last.map_or_else(
            || self.homes[interaction].clone(),
            |change| change.part.clone(),
        )
    }

    fn root(&self, of: &str) -> String {
        let holds =
            |change: &&Change| change.attached || (change.taken.is_none() && !change.undone);
        let mut at = of.to_owned();
        while let Some(change) = self
            .changes
            .iter()
            .filter(holds)
            .find(|change| change.part == at)
        {
            at.clone_from(&change.whole);
        }
        at
    }

    fn wholes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut wholes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for interaction in self.homes.keys() {
            let root = self.root(&self.piece(interaction));
            wholes.entry(root).or_default().insert(interaction.clone());
        }
        wholes
    }
}

async fn agrees(stage: &Stage, model: &Model) {
    for (root, interactions) in model.wholes() {
        let found: BTreeSet<String> = contents(stage, &root).await.into_iter().collect();
        assert_eq!(found, interactions);
        for id in interactions {
            assert_eq!(stage.get(&id).await.conversation_id, root);
        }
    }
}

#[tokio::test]
async fn any_sequence_of_merges_splits_and_undos_ends_as_the_model_says() {
    on_every_engine(quick(), async |stage| {
        let mut model = Model::default();
        for n in 0..9 {
            let one = contact(&stage, &format!("m-{n}"), &format!("key-{}", n % 4), n).await;
            model.homes.insert(one.id, one.conversation_id);
        }
        let mut dice = Dice(11);
        for _ in 0..45 {
            let wholes: Vec<(String, BTreeSet<String>)> = model.wholes().into_iter().collect();
            match dice.below(3) {
                0 => {
                    let names: Vec<&String> = wholes.iter().map(|(id, _)| id).collect();
                    let (whole, part) = (
                        names[dice.below(names.len())],
                        names[dice.below(names.len())],
                    );
                    let change = merge(&stage, whole, part).await.unwrap().change;
                    assert_eq!(change.is_some(), whole != part);
                    model.changes.extend(change.map(|change| Change {
                        id: change.id,
                        whole: change.conversation_id,
                        part: change.other_conversation_id,
                        taken: None,
                        undone: false,
                        attached: false,
                    }));
                }
                1 => {
                    let (from, inside) = &wholes[dice.below(wholes.len())];
                    if inside.len() < 2 {
                        continue;
                    }
                    let most = 1 + dice.below(inside.len() - 1);
                    let taken: BTreeSet<String> = inside.iter().take(most).cloned().collect();
                    let ids: Vec<&str> = taken.iter().map(String::as_str).collect();
                    let change = split(&stage, from, &ids).await.unwrap().change.unwrap();
                    assert_eq!(
                        usize::try_from(change.interaction_count).unwrap(),
                        taken.len()
                    );
                    model.changes.push(Change {
                        id: change.id,
                        whole: change.conversation_id,
                        part: change.other_conversation_id,
                        taken: Some(taken),
                        undone: false,
                        attached: false,
                    });
                }
                _ => {
                    let standing: Vec<usize> = (0..model.changes.len())
                        .filter(|n| !model.changes[*n].undone)
                        .collect();
                    if standing.is_empty() {
                        continue;
                    }
                    let which = standing[dice.below(standing.len())];
                    let change = model.changes[which].clone();
                    undo(&stage, &change.whole, &change.id).await.unwrap();
                    model.changes[which].undone = true;
                    if change.taken.is_some() {
                        let (part, whole) = (model.root(&change.part), model.root(&change.whole));
                        model.changes[which].attached = part == change.part && whole != part;
                    }
                }
            }
            agrees(&stage, &model).await;
        }
        for id in model.homes.keys() {
            stage.told_in(id).await;
        }
        stage.is_sound().await;
    })
    .await;
}
