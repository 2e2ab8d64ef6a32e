//! An agent at work: keeps a stream of offers open, takes what is offered, resolves and wraps up,
//! and keeps a log of its own of what it was offered and when.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};

use serde_json::{Value, json};
use tonic::Code;

use crate::{
    trigger::{Moment, Trigger},
    wire::{Client, Refusal},
};

/// One offer as the desk saw it.
#[derive(Debug, Clone)]
pub struct OfferSeen {
    /// The offer.
    pub offer: String,
    /// The work.
    pub work_item: String,
    /// The agent.
    pub agent: String,
    /// When it arrived.
    pub from: DateTime<Utc>,
    /// When it lapses by itself.
    pub expires: DateTime<Utc>,
    /// When it was over, as far as the desk knows; `None` while it stands.
    pub until: Option<DateTime<Utc>>,
    /// When the desk lost sight of it because its stream broke.
    pub lost: Option<DateTime<Utc>>,
    /// Whether the desk took it.
    pub accepted: bool,
}

/// What all desks of a run wrote down.
#[derive(Debug, Clone, Default)]
pub struct DeskLog(Arc<Mutex<BTreeMap<String, OfferSeen>>>);

/// One agent.
#[derive(Debug, Clone)]
pub struct Desk {
    client: Client,
    agent: String,
    log: DeskLog,
    pause: Duration,
    trigger: Trigger,
}

impl DeskLog {
    fn with<T>(&self, read: impl FnOnce(&mut BTreeMap<String, OfferSeen>) -> T) -> T {
        read(&mut self.0.lock().expect("no panic under the lock"))
    }

    /// Every offer that a desk saw.
    pub fn seen(&self) -> Vec<OfferSeen> {
        self.with(|seen| seen.values().cloned().collect())
    }

    /// How many offers were taken.
    pub fn accepted(&self) -> usize {
        self.with(|seen| seen.values().filter(|o| o.accepted).count())
    }

    /// Pairs of offers of one work item that stood at the same time.
    pub fn overlaps(&self) -> Vec<(OfferSeen, OfferSeen)> {
        let mut by_item: BTreeMap<String, Vec<OfferSeen>> = BTreeMap::new();
        self.with(|seen| {
            for offer in seen.values() {
                by_item
                    .entry(offer.work_item.clone())
                    .or_default()
                    .push(offer.clone());
            }
        });
        let mut found = Vec::new();
        for offers in by_item.values_mut() {
            offers.sort_by_key(|o| o.from);
            for pair in offers.windows(2) {
                let end = pair[0]
                    .until
                    .map_or(pair[0].expires, |until| until.min(pair[0].expires));
                if end > pair[1].from {
                    found.push((pair[0].clone(), pair[1].clone()));
                }
            }
        }
        found
    }
}

impl Desk {
    /// A desk that has not opened yet; `pause` is how long the agent handles each item.
    pub fn new(client: Client, agent: impl Into<String>, log: DeskLog, pause: Duration) -> Self {
        Self {
            client,
            agent: agent.into(),
            log,
            pause,
            trigger: Trigger::default(),
        }
    }

    /// Tells the trigger when something happens at this desk.
    #[must_use]
    pub fn with_trigger(self, trigger: Trigger) -> Self {
        Self { trigger, ..self }
    }

    /// Works until it is dropped: reconnects whenever the stream breaks.
    pub async fn work(self) {
        loop {
            if let Err(refusal) = self.sit_down().await {
                assert!(
                    !matches!(
                        refusal.code,
                        Code::InvalidArgument | Code::Unauthenticated | Code::NotFound
                    ),
                    "a desk was refused: {refusal:?}"
                );
            }
            self.lose_sight();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn sit_down(&self) -> Result<(), Refusal> {
        let mut stream = self
            .client
            .open(
                "rapport.routing.v1.OfferService/WatchOffers",
                json!({"agent_id": self.agent}),
            )
            .await?;
        let request = json!({
            "request_id": crate::request_id(), "agent_id": self.agent, "status": "AGENT_STATUS_AVAILABLE",
        });
        let status = self.patiently("rapport.routing.v1.AgentService/SetAgentStatus", request);
        tokio::pin!(status);
        let mut available = false;
        loop {
            tokio::select! {
                answer = &mut status, if !available => { answer?; available = true; }
                event = stream.next() => match event? {
                    Some(event) => self.on(event),
                    None => return Ok(()),
                },
            }
        }
    }

    fn on(&self, event: Value) {
        if let Some(snapshot) = event.get("snapshot") {
            self.close_all_but(snapshot);
            for offer in snapshot["offers"].as_array().into_iter().flatten() {
                self.offered(offer.clone());
            }
            for item in snapshot["work_items"].as_array().into_iter().flatten() {
                self.resume(item.clone());
            }
        } else if let Some(offer) = event.get("offer") {
            self.offered(offer.clone());
        } else if let Some(end) = event.get("offer_end") {
            self.ended(&text(end, "offer_id"), time(end, "end_time"));
        }
    }

    /// The stream broke: what stood then ends now, unless the next snapshot shows it again.
    fn lose_sight(&self) {
        self.log.with(|seen| {
            for offer in seen
                .values_mut()
                .filter(|o| o.agent == self.agent && o.until.is_none())
            {
                offer.lost = Some(Utc::now());
            }
        });
    }

    /// What a snapshot does not show any more ended when the desk lost sight of it.
    fn close_all_but(&self, snapshot: &Value) {
        let pending: Vec<String> = snapshot["offers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|o| text(o, "id"))
            .collect();
        self.log.with(|seen| {
            let mine = seen
                .values_mut()
                .filter(|o| o.agent == self.agent && o.until.is_none());
            for offer in mine.filter(|o| !pending.contains(&o.offer)) {
                offer.until = offer.lost.or_else(|| Some(Utc::now()));
            }
        });
    }

    fn offered(&self, offer: Value) {
        let id = text(&offer, "id");
        let seen = OfferSeen {
            offer: id.clone(),
            work_item: text(&offer["work_item"], "id"),
            agent: self.agent.clone(),
            from: Utc::now(),
            expires: time(&offer, "expire_time"),
            until: None,
            lost: None,
            accepted: false,
        };
        let fresh = self.log.with(|log| match log.entry(id.clone()) {
            Entry::Vacant(place) => {
                place.insert(seen);
                true
            }
            // Shown again after a broken stream: it stood all the while, and is being taken already.
            Entry::Occupied(_) => false,
        });
        if fresh {
            let desk = self.clone();
            tokio::spawn(async move { desk.take(id).await });
        }
    }

    fn ended(&self, offer: &str, at: DateTime<Utc>) {
        self.log.with(|seen| {
            if let Some(offer) = seen.get_mut(offer) {
                offer.until.get_or_insert(at);
            }
        });
    }

    async fn take(&self, offer: String) {
        self.trigger.pass(Moment::Offered).await;
        let request = json!({"request_id": crate::request_id(), "offer_id": offer});
        let answer = self
            .patiently("rapport.routing.v1.OfferService/AcceptOffer", request)
            .await;
        self.ended(&offer, Utc::now());
        if let Ok(answer) = answer {
            self.log.with(|seen| {
                seen.entry(offer).and_modify(|o| o.accepted = true);
            });
            self.finish(answer["work_item"].clone()).await;
        }
    }

    fn resume(&self, item: Value) {
        let desk = self.clone();
        tokio::spawn(async move { desk.finish(item).await });
    }

    async fn finish(&self, item: Value) {
        tokio::time::sleep(self.pause).await;
        let (ticket, item_id) = (text(&item, "ticket_id"), text(&item, "id"));
        if text(&item, "state") != "WORK_ITEM_STATE_WRAPPING_UP" {
            let resolve = json!({"request_id": crate::request_id(), "ticket_id": ticket, "outcome": "solved"});
            let _ = self
                .patiently("rapport.routing.v1.TicketService/ResolveTicket", resolve)
                .await;
            // The answer is here, the event it wrote is not told yet.
            self.trigger.pass(Moment::Relaying).await;
            let complete = json!({"request_id": crate::request_id(), "work_item_id": item_id});
            let _ = self
                .patiently("rapport.routing.v1.WorkItemService/CompleteWork", complete)
                .await;
        }
        self.trigger.pass(Moment::WrappingUp).await;
        let end = json!({"request_id": crate::request_id(), "work_item_id": item_id});
        let _ = self
            .patiently("rapport.routing.v1.WorkItemService/EndWrapUp", end)
            .await;
    }

    /// Repeats a call, with the same request id, until the suite says something definite.
    async fn patiently(&self, name: &str, request: Value) -> Result<Value, Refusal> {
        loop {
            match self.client.call(name, request.clone()).await {
                Err(refusal) if passing(refusal.code) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => return answer,
            }
        }
    }
}

fn passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::ResourceExhausted
            | Code::Aborted
    )
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value, field: &str) -> DateTime<Utc> {
    text(value, field).parse().unwrap_or_else(|_| Utc::now())
}
