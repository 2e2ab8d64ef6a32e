//! Work that turns out to belong to another ticket goes on as it was.

use super::desk::*;
use crate::domain::WorkState;
use crate::domain::engine::Input;

#[test]
fn work_that_is_split_goes_on_and_is_settled_with_its_new_ticket() {
    let mut desk = Desk::with_agents(1);
    for n in 1..=3 {
        let mut work = work(n, 1, desk.now);
        work.ticket = ticket(1);
        desk.queue(work);
    }
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    let effects = desk.step(Input::WorkSplit {
        items: vec![item(1), item(3), item(9)],
        ticket: ticket(2),
    });
    assert_eq!(effects, [], "nobody is offered anything by it");
    let of = |n| {
        let items = desk.engine.items_of(ticket(n));
        let mut ids: Vec<_> = items.map(|work| work.id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((of(1), of(2)), (vec![item(2)], vec![item(1), item(3)]));
    desk.step(Input::TicketSettled(ticket(1)));
    assert_eq!(
        desk.engine.waiting(),
        1,
        "only what is the old ticket's goes"
    );
    desk.step(Input::TicketSettled(ticket(2)));
    assert_eq!(desk.engine.waiting(), 0);
    let held = desk.engine.item(item(1)).unwrap();
    assert!(held.settled && matches!(held.state, WorkState::Accepted { .. }));
}
