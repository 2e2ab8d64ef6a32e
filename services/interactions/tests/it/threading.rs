//! Contacts of one matter, found by what they name, by whose they are and when.

use rapport_foundation::id::{ConversationId, TicketId};
use rapport_foundation::testing::eventually;
use rapport_foundation::time::Clock;
use rapport_proto::events::v1 as events;
use rapport_proto::events::v1::event::Data;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::Code;
use uuid::Uuid;

use crate::stage::{
    Stage, at, call, customer, message, on_every_engine, quick, refused, violations,
};

/// A mail of a customer with these headers.
pub(crate) fn mail(
    id: &str,
    phone: &str,
    answers: &[&str],
    references: &[&str],
) -> pb::InteractionInput {
    let all = |list: &[&str]| {
        list.iter()
            .map(|one| format!("<{one}@mail.example>"))
            .collect()
    };
    pb::InteractionInput {
        channel: types::Channel::Email.into(),
        mail: Some(pb::MailHeaders {
            message_id: format!("<{id}@mail.example>"),
            in_reply_to: all(answers),
            references: all(references),
        }),
        ..message(id, phone, "a mail")
    }
}

/// Numbers that are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// A thread of mails, each an answer to an earlier one, with headers as different programs write them.
fn thread(dice: &mut Dice, name: usize, phone: &str) -> Vec<pb::InteractionInput> {
    let name = |n: usize| format!("t{name}-{n}");
    let mut above: Vec<Vec<usize>> = vec![vec![]];
    let mut mails = vec![mail(&name(0), phone, &[], &[])];
    for n in 1..6 {
        let parent = dice.below(n);
        let mut chain = above[parent].clone();
        chain.push(parent);
        let names: Vec<String> = chain.iter().map(|n| name(*n)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let last = &names[names.len() - 1..];
        mails.push(match dice.below(4) {
            0 => mail(&name(n), phone, last, &[]),
            1 => mail(&name(n), phone, &[], &names),
            2 => mail(
                &name(n),
                phone,
                last,
                &names[names.len().saturating_sub(2)..],
            ),
            _ => mail(&name(n), phone, last, &names),
        });
        above.push(chain);
    }
    mails
}

#[tokio::test]
async fn a_thread_of_mails_is_one_conversation_in_whatever_order_it_arrives() {
    on_every_engine(quick(), async |stage| {
        let mut dice = Dice(7);
        for round in 0..12 {
            let phone = format!("+62812{round}");
            let mut mails = thread(&mut dice, round, &phone);
            dice.shuffle(&mut mails);
            let mut ids = Vec::new();
            if round % 3 == 0 {
                // All at once: what is not in one transaction is in two at the same time.
                let logged = mails.into_iter().map(|mail| stage.log(mail));
                ids.extend(
                    futures::future::join_all(logged)
                        .await
                        .into_iter()
                        .map(|one| one.id),
                );
            } else {
                for (n, mail) in mails.into_iter().enumerate() {
                    let connector = if n % 2 == 0 { "desk" } else { "campaign" };
                    let message = pb::RecordInteractionRequest {
                        interaction: Some(mail),
                    };
                    let request = stage.connector(connector, message);
                    let answer = stage.client().record_interaction(request).await.unwrap();
                    ids.push(answer.into_inner().interaction.unwrap().id);
                }
            }
            eventually("the thread is one conversation", async || {
                let mut conversations = Vec::new();
                for id in &ids {
                    conversations.push(stage.get(id).await.conversation_id);
                }
                conversations.dedup();
                (conversations.len() == 1).then_some(())
            })
            .await;
            let id = stage.get(&ids[0]).await.conversation_id;
            assert_eq!(stage.conversation(&id).await.interaction_count, 6);
        }
        for id in all(&stage).await {
            stage.told_in(&id).await;
        }
        stage.is_sound().await;
    })
    .await;
}

async fn all(stage: &Stage) -> Vec<String> {
    let asked = pb::ListInteractionsRequest {
        page_size: 1000,
        ..Default::default()
    };
    let answer = stage
        .client()
        .list_interactions(stage.asks(asked))
        .await
        .unwrap();
    answer
        .into_inner()
        .interactions
        .into_iter()
        .map(|one| one.id)
        .collect()
}

#[tokio::test]
async fn an_answer_is_in_its_conversation_at_once_and_reads_back_as_it_was_said() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(mail("m-1", "+62811", &[], &[])).await;
        let mut answer = mail("m-2", "+62811", &["m-1"], &["m-1"]);
        answer.direction = types::Direction::Outbound.into();
        let logged = stage.log(answer.clone()).await;
        assert_eq!(logged.conversation_id, first.conversation_id);
        assert_eq!(logged.input, Some(answer.clone()));
        assert_eq!(stage.get(&logged.id).await.input, Some(answer));
        // Other spellings of the same id.
        let mut odd = mail("m-3", "+62811", &[], &[]);
        odd.mail.as_mut().unwrap().in_reply_to =
            vec!["Your mail <\"m-2\"@MAIL.example> of today".into()];
        assert_eq!(stage.log(odd).await.conversation_id, first.conversation_id);
        // A key of the connector goes before.
        let mut keyed = mail("m-4", "+62811", &["m-1"], &[]);
        keyed.thread_key = "case-1".into();
        let keyed = stage.log(keyed).await;
        assert_ne!(keyed.conversation_id, first.conversation_id);
        // And still it is one matter.
        assert_eq!(stage.told_in(&keyed.id).await, first.conversation_id);
        let whole = stage.conversation(&keyed.conversation_id).await;
        assert_eq!(
            (whole.id, whole.interaction_count),
            (first.conversation_id, 4)
        );
        assert_eq!(whole.merged_conversation_ids, [keyed.conversation_id]);
        assert_eq!(whole.thread_key, "case-1");
    })
    .await;
}

#[tokio::test]
async fn who_answers_a_mail_that_went_to_many_shares_it_with_nobody_unless_in_copy() {
    on_every_engine(quick(), async |stage| {
        let mut sent = mail("news", "+62811", &[], &[]);
        sent.direction = types::Direction::Outbound.into();
        sent.participants.push(pb::Participant {
            role: pb::ParticipantRole::Other.into(),
            ..customer("+62812")
        });
        let sent = stage.log(sent).await;
        let known = stage.log(mail("a-1", "+62811", &["news"], &[])).await;
        let copied = stage.log(mail("a-2", "+62812", &["news"], &[])).await;
        let stranger = stage.log(mail("a-3", "+62813", &["news"], &[])).await;
        assert_eq!(known.conversation_id, sent.conversation_id);
        assert_eq!(copied.conversation_id, sent.conversation_id);
        assert_ne!(stranger.conversation_id, sent.conversation_id);
        assert_eq!(stage.told_in(&stranger.id).await, stranger.conversation_id);
    })
    .await;
}

#[tokio::test]
async fn headers_of_mails_have_limits() {
    on_every_engine(quick(), async |stage| {
        let mut input = mail("m-1", "+62811", &[], &[]);
        input.mail = Some(pb::MailHeaders {
            message_id: "x".repeat(999),
            in_reply_to: vec!["<a@b>".into(); 11],
            references: vec![String::new()],
        });
        let wrong = violations(stage.record(input).await);
        let wrong: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            wrong,
            [
                "interaction.mail.message_id",
                "interaction.mail.in_reply_to",
                "interaction.mail.references[0]",
            ]
        );
    })
    .await;
}

async fn ticket(stage: &Stage, conversation: &str, phone: &str) -> events::TicketFacts {
    let ticket = events::TicketFacts {
        ticket_id: TicketId::new(Clock::system().now()).to_string(),
        conversation_id: conversation.to_owned(),
        customer: Some(stage.fake.customer(stage.tenant, phone)),
        ..Default::default()
    };
    let opened = events::TicketOpened {
        ticket: Some(ticket.clone()),
        ..Default::default()
    };
    say(
        stage,
        &ticket,
        Data::TicketOpened(opened),
        pb::TicketChange::Opened,
        phone,
    )
    .await;
    ticket
}

/// Says what became of a ticket and waits until it is known.
async fn say(
    stage: &Stage,
    ticket: &events::TicketFacts,
    data: Data,
    change: pb::TicketChange,
    phone: &str,
) {
    stage
        .routing
        .say(stage.tenant, &ticket.ticket_id, data)
        .await;
    let customer = stage.fake.customer(stage.tenant, phone);
    eventually("the ticket is in the timeline", async || {
        let asked = pb::ListTimelineRequest {
            customer_id: customer.customer_id.clone(),
            ..Default::default()
        };
        let answer = stage
            .client()
            .list_timeline(stage.asks(asked))
            .await
            .unwrap();
        answer.into_inner().entries.into_iter().find(|entry| {
            matches!(&entry.entry, Some(pb::timeline_entry::Entry::Ticket(shown))
                if shown.ticket_id == ticket.ticket_id && shown.change() == change)
        })
    })
    .await;
}

#[tokio::test]
async fn a_quoted_id_joins_what_belongs_to_the_same_customer_and_nothing_else() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(message("m-1", "+62811", "halo")).await;
        stage.settled(&first.id).await;
        let ticket = ticket(&stage, &first.conversation_id, "+62811").await;
        let token = first.conversation_id.replace("cnv_", "");
        let mut subject = mail("m-4", "+62811", &[], &[]);
        subject.subject = format!("Re: [#{token}] Pesanan");
        for (quoting, joins) in [
            (
                message(
                    "m-2",
                    "+62811",
                    &format!("about {}, please", first.conversation_id),
                ),
                true,
            ),
            (
                message("m-3", "+62811", &format!("ticket {}", ticket.ticket_id)),
                true,
            ),
            (subject, true),
            (
                message("m-5", "+62899", &format!("about {}", first.conversation_id)),
                false,
            ),
            (
                message("m-6", "+62899", &format!("ticket {}", ticket.ticket_id)),
                false,
            ),
        ] {
            // What wants an agent would join the open ticket anyway.
            let quoting = pb::InteractionInput {
                purpose: types::Purpose::Feedback.into(),
                ..quoting
            };
            let logged = stage.log(quoting).await;
            assert_ne!(logged.conversation_id, first.conversation_id);
            let told = stage.told_in(&logged.id).await;
            assert_eq!(told == first.conversation_id, joins, "{}", logged.id);
        }
        let whole = stage.conversation(&first.conversation_id).await;
        assert_eq!(whole.interaction_count, 4);
        let merged = stage.events().await;
        let merged = merged
            .iter()
            .filter_map(|event| match event.data.as_ref()? {
                Data::ConversationsMerged(merged) => Some(merged.basis()),
                _ => None,
            });
        assert_eq!(
            merged.collect::<Vec<_>>(),
            [types::ConversationBasis::QuotedId; 3]
        );
        stage.is_sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_contact_that_wants_an_agent_joins_its_customers_one_open_ticket() {
    on_every_engine(quick(), async |stage| {
        let first = stage.log(mail("m-1", "+62811", &[], &[])).await;
        stage.settled(&first.id).await;
        let one = ticket(&stage, &first.conversation_id, "+62811").await;
        let asks = stage.log(call("c-1", "+62811")).await;
        assert_eq!(stage.told_in(&asks.id).await, first.conversation_id);
        let mut praise = message("m-2", "+62811", "terima kasih");
        praise.purpose = types::Purpose::Feedback.into();
        let mut outbound = message("m-3", "+62811", "halo");
        outbound.direction = types::Direction::Outbound.into();
        let mut history = call("c-0", "+62811");
        history.history = true;
        for other in [praise, outbound, history, call("c-2", "+62812")] {
            let logged = stage.log(other).await;
            assert_eq!(stage.told_in(&logged.id).await, logged.conversation_id);
        }
        // Two open tickets are two matters.
        let elsewhere = ConversationId::new(Clock::system().now()).to_string();
        let two = ticket(&stage, &elsewhere, "+62811").await;
        let between = stage.log(call("c-3", "+62811")).await;
        assert_eq!(stage.told_in(&between.id).await, between.conversation_id);
        let resolved = events::TicketResolved {
            ticket: Some(two.clone()),
            ..Default::default()
        };
        say(
            &stage,
            &two,
            Data::TicketResolved(resolved),
            pb::TicketChange::Resolved,
            "+62811",
        )
        .await;
        let again = stage.log(call("c-4", "+62811")).await;
        assert_eq!(stage.told_in(&again.id).await, first.conversation_id);
        // Tickets that were merged are one matter, until that is taken back.
        let three = ticket(&stage, &elsewhere, "+62811").await;
        let merged = Data::TicketMerged(events::TicketMerged {
            ticket: Some(one.clone()),
            merged_ticket: Some(three.clone()),
        });
        say(&stage, &three, merged, pb::TicketChange::Merged, "+62811").await;
        let whole = stage.log(call("c-6", "+62811")).await;
        assert_eq!(stage.told_in(&whole.id).await, first.conversation_id);
        let apart = Data::TicketUnmerged(events::TicketUnmerged {
            ticket: Some(one.clone()),
            merged_ticket: Some(three.clone()),
            merged_open: true,
        });
        say(&stage, &three, apart, pb::TicketChange::Unmerged, "+62811").await;
        let between = stage.log(call("c-7", "+62811")).await;
        assert_eq!(stage.told_in(&between.id).await, between.conversation_id);
        // Unless the tenant does not want that.
        set(
            &stage,
            pb::ThreadingRules {
                ignore_open_tickets: true,
                ..Default::default()
            },
        )
        .await
        .unwrap();
        let apart = stage.log(call("c-5", "+62811")).await;
        assert_eq!(stage.told_in(&apart.id).await, apart.conversation_id);
        assert_ne!(one.ticket_id, two.ticket_id);
        stage.is_sound().await;
    })
    .await;
}

fn rules(rules: pb::ThreadingRules) -> pb::SetThreadingRulesRequest {
    pb::SetThreadingRulesRequest {
        request_id: Uuid::now_v7().to_string(),
        threading_rules: Some(rules),
    }
}

async fn set(
    stage: &Stage,
    wanted: pb::ThreadingRules,
) -> Result<pb::ThreadingRules, tonic::Status> {
    let asked = stage.asks(rules(wanted));
    let answer = stage.threading().set_threading_rules(asked).await?;
    Ok(answer.into_inner().threading_rules.unwrap())
}

#[tokio::test]
async fn time_joins_contacts_of_one_customer_only_where_the_tenant_says_so() {
    on_every_engine(quick(), async |stage| {
        let later = |id: &str, seconds: i64| {
            let mut input = message(id, "+62811", "halo");
            input.purpose = types::Purpose::Feedback.into();
            input.event_time = Some(at(1_700_000_000 + seconds));
            input
        };
        let told = async |input| {
            let logged = stage.log(input).await;
            (stage.told_in(&logged.id).await, logged.conversation_id)
        };
        let (first, _) = told(later("m-1", 0)).await;
        let (second, own) = told(later("m-2", 60)).await;
        assert_eq!(second, own, "no rule, no join");
        let rule = |channel: types::Channel, window_s| pb::ThreadingRule {
            channel: channel.into(),
            window_s,
            ..Default::default()
        };
        let wanted = pb::ThreadingRules {
            rules: vec![
                rule(types::Channel::Email, 0),
                rule(types::Channel::Unspecified, 3600),
            ],
            ..Default::default()
        };
        let stands = set(&stage, wanted.clone()).await.unwrap();
        assert_eq!(stands.rules, wanted.rules);
        let (third, _) = told(later("m-3", 600)).await;
        assert_eq!(third, second, "the customer's last contact");
        let (late, own) = told(later("m-4", 600 + 3601)).await;
        assert_eq!(late, own, "longer ago than the window");
        let mut by_mail = later("m-5", 700);
        by_mail.channel = types::Channel::Email.into();
        let (mailed, own) = told(by_mail).await;
        assert_eq!(mailed, own, "the rule of its channel says no");
        assert_ne!(first, second);

        let mut stale = wanted.clone();
        stale.etag = "\"0\"".into();
        refused(set(&stage, stale).await, Code::Aborted, "ETAG_MISMATCH");
        let mut wrong = wanted;
        wrong.rules[0].window_s = 2_592_001;
        let wrong = violations(set(&stage, wrong).await);
        assert_eq!(wrong[0].0, "threading_rules.rules[0].window_s");
        let read = stage
            .threading()
            .get_threading_rules(stage.asks(pb::GetThreadingRulesRequest {}))
            .await;
        assert_eq!(read.unwrap().into_inner().threading_rules.unwrap(), stands);
        stage.is_sound().await;
    })
    .await;
}
