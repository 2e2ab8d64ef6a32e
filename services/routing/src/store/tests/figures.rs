use super::*;
use crate::domain::statistics::Spell;

#[tokio::test(flavor = "multi_thread")]
async fn spells_are_stored_as_they_are_now_and_told_while_they_matter() {
    everywhere(async |mut desk: Desk| {
        let agent = AgentId::new(NOW);
        let later = |n: u64| NOW + Duration::from_secs(n);
        let spell = |began, ended, busy| Spell {
            agent,
            began,
            ended,
            busy,
        };
        let (idle, busy) = (spell(NOW, None, false), spell(later(9), None, true));
        let ended = spell(NOW, Some(later(9)), false);
        for spells in [vec![idle], vec![ended, busy]] {
            let decision = Decision {
                spells,
                ..Decision::default()
            };
            assert_eq!(desk.decide(&decision).await, Committed::Stored);
        }
        let told = async |desk: &Desk, since| {
            let mut spells = desk.store.spells_since(desk.tenant, since).await.unwrap();
            spells.sort_by_key(|spell| spell.began);
            spells
        };
        assert_eq!(told(&desk, later(9)).await, [ended, busy]);
        assert_eq!(
            told(&desk, later(10)).await,
            [busy],
            "what runs always matters"
        );
        assert_eq!(desk.store.spells_since(tenant(), NOW).await.unwrap(), []);
        assert_eq!(desk.store.forget_spells(later(10)).await.unwrap(), 1);
        assert_eq!(told(&desk, NOW).await, [busy]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_lately_is_read_page_by_page() {
    everywhere(async |mut desk: Desk| {
        let queue = queue();
        let ticket = ticket(&queue, None);
        let at = |n: u64| NOW + Duration::from_secs(n);
        let mut items: Vec<WorkItem> = [1, 5, 7, 9]
            .iter()
            .map(|n| work(&ticket, |_| WorkState::Abandoned { at: at(*n) }))
            .collect();
        items.push(work(&ticket, |_| WorkState::Waiting));
        let decision = Decision {
            items: items.clone(),
            ..Decision::default()
        };
        desk.decide(&decision).await;
        let mut expected: Vec<WorkItem> = items[1..4].to_vec();
        expected.sort_by_key(|work| work.id.uuid());
        let (store, tenant) = (&desk.store, desk.tenant);
        let first = store.ended_since(tenant, at(5), None, 2).await.unwrap();
        let after = first.last().map(|work| work.id.uuid());
        let rest = store.ended_since(tenant, at(5), after, 2).await.unwrap();
        assert_eq!([first, rest].concat(), expected);
    })
    .await;
}
