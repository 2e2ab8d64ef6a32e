//! What users of today's systems ask for and do not get, each under the complaint it answers.
//!
//! | complaint | test |
//! |---|---|
//! | a queue with limits, drained oldest first (chatwoot #13050, #10376) | [`a_full_queue_sends_on_or_refuses_and_is_drained_oldest_first`] |
//! | work of an agent who goes or does not answer (chatwoot #7204, #14508) | [`work_of_whoever_goes_or_does_not_answer_is_taken_back`] |
//! | clocks that know holidays, split shifts and pauses (chatwoot #14009, osTicket #3034, glpi #6902) | `sla::edits::clocks_know_holidays_split_shifts_and_pauses_and_tell_what_they_counted` |
//! | escalation on time (zammad #5257) | `sla::timers::escalations_come_on_time_and_do_what_they_say` |
//! | agents that are stuck in a state (freeswitch #2540) | [`no_state_holds_an_agent_for_ever`] |
//! | several processes that serve the same queues (freeswitch #1674) | `owners::a_call_at_any_replica_is_decided_by_the_owner`, and `faults` of the journeys |
//! | oldest first over all queues of an agent (asterisk #108) | [`the_oldest_goes_first_whichever_queue_it_waits_in`] |
//! | wrap-up that holds (asterisk #1006) | [`nobody_is_offered_work_while_they_wrap_up`] |

use std::time::Duration;

use rapport_foundation::role::Role;
use rapport_proto::routing::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::bench::{Bench, Desk, Teller, everywhere, request_id};
use crate::intake::{Contact, tickets as told};

fn queue(code: &str) -> pb::Queue {
    pb::Queue {
        code: code.into(),
        display_name: code.into(),
        offer_timeout_s: 30,
        ..Default::default()
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

impl Bench {
    async fn ask_for_work(&self, queue: &pb::Queue) -> Result<pb::Ticket, Status> {
        let request = pb::CreateTicketRequest {
            request_id: request_id(),
            ticket: Some(pb::Ticket {
                queue_id: queue.id.clone(),
                ..Default::default()
            }),
            work_channel: types::Channel::Phone.into(),
        };
        let answer = self.tickets().create_ticket(self.boss(request)).await?;
        Ok(answer.into_inner().ticket.unwrap())
    }

    async fn update_queue(&self, queue: pb::Queue, field: &str) -> Result<pb::Queue, Status> {
        let request = pb::UpdateQueueRequest {
            request_id: request_id(),
            queue_id: queue.id.clone(),
            queue: Some(queue),
            update_mask: Some(prost_types::FieldMask {
                paths: vec![field.into()],
            }),
            etag: String::new(),
        };
        let answer = self.queues().update_queue(self.boss(request)).await?;
        Ok(answer.into_inner().queue.unwrap())
    }

    /// Where the one work item of a ticket is.
    async fn place(&self, ticket: &pb::Ticket) -> String {
        let work = self.work_of(ticket).await;
        assert_eq!(work.len(), 1);
        work[0].queue_id.clone()
    }

    /// Serves what is offered, and tells of which tickets it was, in their order.
    async fn serve(&self, desk: &mut Desk, many: usize) -> Vec<String> {
        let mut served = Vec::new();
        for _ in 0..many {
            let offer = desk.offer().await;
            let work = self.accept(&offer.id).await.unwrap();
            self.complete(&work).await;
            served.push(work.ticket_id);
        }
        served
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_sends_on_or_refuses_and_is_drained_oldest_first() {
    everywhere(async |bench: Bench| {
        let second = pb::Queue {
            most_waiting: Some(1),
            ..queue("second")
        };
        let second = bench.queue_like(second).await;
        let first = pb::Queue {
            most_waiting: Some(2),
            overflow_queue_id: second.id.clone(),
            ..queue("first")
        };
        let first = bench.queue_like(first).await;
        assert_eq!(
            (first.most_waiting, &first.overflow_queue_id),
            (Some(2), &second.id)
        );

        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(bench.ask_for_work(&first).await.unwrap());
        }
        let mut places = Vec::new();
        for ticket in &tickets {
            assert_eq!(ticket.queue_id, first.id);
            places.push(bench.place(ticket).await);
        }
        assert_eq!(places, [first.id.as_str(), &first.id, &second.id]);
        let refused = bench.ask_for_work(&first).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "QUEUE_FULL")
        );
        // Who was refused has left no ticket.
        assert_eq!(bench.list_tickets(Default::default()).await.len(), 3);

        // What has come in waits all the same.
        let contact = Contact::new();
        let teller = Teller::of(&bench, Role::Interactions).await;
        let mut call = contact.facts(types::InteractionKind::Call, types::Channel::Phone);
        call.routing = Some(types::RoutingHint {
            queue: "first".into(),
            ..Default::default()
        });
        teller.tell(bench.tenant, &[contact.linked(call)]).await;
        let ticket = told(&bench, &contact.of_conversation(), 1).await.remove(0);
        assert_eq!(bench.place(&ticket).await, first.id);

        // Work does not lose what it waits for by a change of its ticket, and none is moved into a full queue.
        let changed = pb::UpdateTicketRequest {
            request_id: request_id(),
            ticket_id: tickets[2].id.clone(),
            ticket: Some(pb::Ticket {
                priority: types::Priority::Low.into(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["priority".into()],
            }),
            ..Default::default()
        };
        bench
            .tickets()
            .update_ticket(bench.boss(changed.clone()))
            .await
            .unwrap();
        assert_eq!(bench.place(&tickets[2]).await, second.id);
        assert_eq!(
            bench.work_of(&tickets[2]).await[0].priority(),
            types::Priority::Low
        );
        let moved = pb::UpdateTicketRequest {
            request_id: request_id(),
            ticket_id: tickets[0].id.clone(),
            ticket: Some(pb::Ticket {
                queue_id: second.id.clone(),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["queue_id".into()],
            }),
            ..changed
        };
        let refused = bench
            .tickets()
            .update_ticket(bench.boss(moved))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "QUEUE_FULL");

        let ana = bench.hire("ana", &first).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let served = bench.serve(&mut desk, 3).await;
        assert_eq!(served, [tickets[0].id.as_str(), &tickets[1].id, &ticket.id]);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_overflow_ends() {
    everywhere(async |bench: Bench| {
        let last = bench.queue_like(queue("q-0")).await;
        let mut ahead = last.clone();
        for n in 1..8 {
            let next = pb::Queue {
                overflow_queue_id: ahead.id.clone(),
                ..queue(&format!("q-{n}"))
            };
            ahead = bench.queue_like(next).await;
        }
        for (code, to) in [
            ("q-8", &ahead.id),
            ("q-9", &bench.tenant.to_string().replace("ten_", "que_")),
        ] {
            let one = pb::CreateQueueRequest {
                request_id: request_id(),
                queue: Some(pb::Queue {
                    overflow_queue_id: to.clone(),
                    ..queue(code)
                }),
            };
            let refused = bench
                .queues()
                .create_queue(bench.boss(one))
                .await
                .unwrap_err();
            let expected = if code == "q-8" {
                Code::FailedPrecondition
            } else {
                Code::NotFound
            };
            assert_eq!(refused.code(), expected, "{refused:?}");
        }
        let back = pb::Queue {
            overflow_queue_id: ahead.id.clone(),
            ..last.clone()
        };
        let refused = bench
            .update_queue(back, "overflow_queue_id")
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "OVERFLOW_DOES_NOT_END");
        let most = |most_waiting| pb::Queue {
            most_waiting,
            ..last.clone()
        };
        let limited = bench
            .update_queue(most(Some(0)), "most_waiting")
            .await
            .unwrap();
        assert_eq!(limited.most_waiting, Some(0));
        let open = bench
            .update_queue(most(None), "most_waiting")
            .await
            .unwrap();
        assert_eq!(open.most_waiting, None);
        let refused = bench
            .update_queue(most(Some(-1)), "most_waiting")
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_whoever_goes_or_does_not_answer_is_taken_back() {
    everywhere(async |bench: Bench| {
        let fast = pb::Queue {
            offer_timeout_s: 1,
            ..queue("fast")
        };
        let fast = bench.queue_like(fast).await;
        let (ana, ben, cleo) = (
            bench.hire("ana", &fast).await,
            bench.hire("ben", &fast).await,
            bench.hire("cleo", &fast).await,
        );
        let mut first = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let ticket = bench.ask_for_work(&fast).await.unwrap();
        // Ana does not answer.
        assert_eq!(first.offer().await.work_item.unwrap().ticket_id, ticket.id);
        let mut second = bench.desk(&ben).await;
        bench.set_status(&ben, pb::AgentStatus::Available).await;
        first.offer_end().await;
        assert_eq!(second.offer().await.work_item.unwrap().ticket_id, ticket.id);
        // Ben goes.
        let mut third = bench.desk(&cleo).await;
        bench.set_status(&cleo, pb::AgentStatus::Available).await;
        drop(second);
        let offer = third.offer().await;
        assert_eq!(offer.work_item.unwrap().ticket_id, ticket.id);
        bench.accept(&offer.id).await.unwrap();
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_state_holds_an_agent_for_ever() {
    everywhere(async |bench: Bench| {
        let brief = pb::Queue {
            offer_timeout_s: 1,
            wrap_up_s: 1,
            max_lapsed_offers: 1,
            ..queue("brief")
        };
        let brief = bench.queue_like(brief).await;
        let ana = bench.hire("ana", &brief).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        for _ in 0..2 {
            bench.ask_for_work(&brief).await.unwrap();
        }
        // Offered: time ends it. Not responding: she says that she is there.
        desk.offer().await;
        desk.offer_end().await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        // At work: she completes it. Wrapping up: time ends it.
        let offer = desk.offer().await;
        let work = bench.accept(&offer.id).await.unwrap();
        let done = bench.complete(&work).await;
        assert_eq!(done.state(), pb::WorkItemState::WrappingUp);
        let next = desk.offer().await;
        // At work and gone: a supervisor ends it in her place.
        let work = bench.accept(&next.id).await.unwrap();
        drop(desk);
        bench.complete(&work).await;
        let mut back = bench.desk(&ana).await;
        let last = bench.ask_for_work(&brief).await.unwrap();
        assert_eq!(back.offer().await.work_item.unwrap().ticket_id, last.id);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_goes_first_whichever_queue_it_waits_in() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (
            bench.queue_like(queue("care")).await,
            bench.queue_like(queue("sales")).await,
        );
        let mut asked = Vec::new();
        for queue in [&sales, &care, &care, &sales, &care] {
            asked.push(bench.ask_for_work(queue).await.unwrap().id);
        }
        let request = pb::CreateAgentRequest {
            request_id: request_id(),
            agent: Some(pb::Agent {
                principal: "ana".into(),
                display_name: "ana".into(),
                queue_ids: vec![care.id.clone(), sales.id.clone()],
                ..Default::default()
            }),
        };
        let ana = bench.agents().create_agent(bench.boss(request)).await;
        let ana = ana.unwrap().into_inner().agent.unwrap();
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        assert_eq!(bench.serve(&mut desk, asked.len()).await, asked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_offered_work_while_they_wrap_up() {
    everywhere(async |bench: Bench| {
        let long = pb::Queue {
            wrap_up_s: 600,
            ..queue("long")
        };
        let long = bench.queue_like(long).await;
        let ana = bench.hire("ana", &long).await;
        let mut desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        bench.ask_for_work(&long).await.unwrap();
        let work = bench.accept(&desk.offer().await.id).await.unwrap();
        bench.complete(&work).await;
        let waits = bench.ask_for_work(&long).await.unwrap();
        let offered = tokio::time::timeout(Duration::from_millis(300), desk.offer()).await;
        assert!(offered.is_err(), "{offered:?}");
        let over = pb::EndWrapUpRequest {
            request_id: request_id(),
            work_item_id: work.id.clone(),
        };
        bench
            .work_items()
            .end_wrap_up(bench.boss(over))
            .await
            .unwrap();
        assert_eq!(desk.offer().await.work_item.unwrap().ticket_id, waits.id);
    })
    .await;
}
