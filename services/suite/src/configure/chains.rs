//! Chains of overflow. The service refuses a change that leads a chain back to where it began, or makes one too long, so the
//! order of changes counts: from the end of each chain to its beginning. Then what a changed queue leads to stands as it is to
//! be already, and ends.

use std::collections::BTreeMap;

/// Queues of a chain at most, the first included.
const LONGEST: usize = 8;

/// From a queue to where its overflow goes.
pub(super) type Chains = BTreeMap<String, String>;

/// Whether the chain that begins with a queue ends soon enough.
pub(super) fn ends(chains: &Chains, from: &str) -> bool {
    let mut at = from;
    for _ in 0..LONGEST {
        match chains.get(at) {
            None => return true,
            Some(next) => at = next,
        }
    }
    false
}

/// The places of these queues in the order in which they can be set.
pub(super) fn order(chains: &Chains, queues: &[&str]) -> Vec<usize> {
    let mut order = Vec::new();
    for place in 0..queues.len() {
        visit(chains, queues, place, &mut order);
    }
    order
}

fn visit(chains: &Chains, queues: &[&str], place: usize, order: &mut Vec<usize>) {
    // What is on the way lies behind the queue, up to the first that is done with already.
    let (mut at, mut way) = (queues.get(place).copied(), Vec::new());
    for _ in 0..LONGEST {
        let Some(queue) = at else { break };
        if let Some(place) = queues.iter().position(|known| *known == queue) {
            if order.contains(&place) {
                break;
            }
            way.push(place);
        }
        at = chains.get(queue).map(String::as_str);
    }
    order.extend(way.into_iter().rev());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains(pairs: &[(&str, &str)]) -> Chains {
        let owned = pairs
            .iter()
            .map(|(from, to)| ((*from).into(), (*to).into()));
        owned.collect()
    }

    /// Sets one after the other, and holds each against the rule of the service.
    fn play<'a>(
        present: &[(&str, &str)],
        wanted: &[(&str, &str)],
        queues: &[&'a str],
        missing: &[&str],
    ) -> Vec<&'a str> {
        let (mut now, wanted) = (chains(present), chains(wanted));
        let mut missing = missing.to_vec();
        let mut set = Vec::new();
        for place in order(&wanted, queues) {
            let queue = queues[place];
            match wanted.get(queue) {
                Some(target) => {
                    assert!(
                        !missing.contains(&target.as_str()),
                        "{queue} before {target}"
                    );
                    now.insert(queue.to_owned(), target.clone());
                }
                None => {
                    now.remove(queue);
                }
            }
            assert!(ends(&now, queue), "{queue} leads back: {now:?}");
            missing.retain(|absent| *absent != queue);
            set.push(queue);
        }
        assert_eq!(now, wanted);
        assert_eq!(set.len(), queues.len());
        set
    }

    #[test]
    fn where_work_overflows_to_is_made_first() {
        let all = ["a", "b", "c"];
        assert_eq!(
            play(&[], &[("a", "b"), ("b", "c")], &all, &all),
            ["c", "b", "a"]
        );
        assert_eq!(
            play(&[], &[], &all, &all),
            all,
            "else in the order of the files"
        );
    }

    #[test]
    fn a_chain_is_turned_round_without_ever_leading_back() {
        assert_eq!(
            play(&[("a", "b")], &[("b", "a")], &["b", "a"], &[]),
            ["a", "b"]
        );
        let present = [("a", "b"), ("b", "c"), ("c", "d")];
        play(
            &present,
            &[("d", "c"), ("c", "b"), ("b", "a")],
            &["d", "c", "b", "a"],
            &[],
        );
        play(
            &present,
            &[("b", "a"), ("a", "d"), ("d", "c")],
            &["b", "a", "d", "c"],
            &[],
        );
        // What stays as it is lies between.
        let present = [("b", "c"), ("c", "a")];
        play(&present, &[("a", "b"), ("b", "c")], &["a", "c"], &[]);
    }

    #[test]
    fn long_chains_and_circles_do_not_end() {
        let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let two = names.windows(2);
        let chain: Chains = two.map(|two| (two[0].clone(), two[1].clone())).collect();
        assert!(ends(&chain, "2"), "eight queues");
        assert!(!ends(&chain, "1"), "nine");
        assert!(!ends(&chains(&[("a", "b"), ("b", "a")]), "a"));
        assert!(!ends(&chains(&[("a", "a")]), "a"));
    }
}
