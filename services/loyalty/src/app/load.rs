//! Loading the desk. What may change is read after the accounts are locked.

use std::collections::{BTreeSet, HashMap, HashSet};

use rapport_foundation::db::{Error as StoreError, Scoped};
use rapport_foundation::id::{EntryId, HoldId, MemberId};
use uuid::Uuid;

use super::Shelf;
use super::command::{Ask, Command, Done};
use super::desk::{Desk, Seen};
use crate::Error;
use crate::domain::{Account, Entry, Hold, Ledger, Lot, Original};
use crate::store::requests::Settled;
use crate::store::{ledger, members, programs, requests};

/// What the commands of a batch name.
#[derive(Default)]
struct Named {
    members: BTreeSet<MemberId>,
    holds: BTreeSet<HoldId>,
    reversed: BTreeSet<EntryId>,
}

impl Named {
    fn by(commands: &[&Command]) -> Self {
        let mut named = Self::default();
        for command in commands {
            match &command.ask {
                Ask::Earn { member, .. }
                | Ask::EarnByOrder { member, .. }
                | Ask::Hold { member, .. }
                | Ask::Settle { member } => named.members.insert(*member),
                Ask::Capture { hold, .. } | Ask::Void { hold, .. } => named.holds.insert(*hold),
                Ask::Reverse { entry, .. } => named.reversed.insert(*entry),
            };
        }
        named
    }
}

impl Desk {
    /// Everything that these commands need, with their members' accounts locked.
    pub(super) async fn load(
        s: &Scoped,
        commands: &[&Command],
        shelf: &Shelf,
    ) -> Result<Self, Error> {
        let mut named = Named::by(commands);
        // To whom a hold or an entry belongs never changes.
        let holders: HashMap<HoldId, MemberId> = ledger::holds(s, named.holds.iter().copied())
            .await?
            .iter()
            .map(|hold| (hold.id, hold.member))
            .collect();
        let reversed = ledger::entries(s, named.reversed.iter().copied()).await?;
        named.members.extend(holders.values().copied());
        named
            .members
            .extend(reversed.iter().map(|entry| entry.member));

        let ids: Vec<Uuid> = named.members.iter().map(|id| id.uuid()).collect();
        let accounts = ledger::lock_accounts(s, &ids).await?;
        let programs = programs::many(s, accounts.iter().map(|account| account.program)).await?;
        let members = members::many(s, named.members.iter().copied()).await?;
        let ledgers = Self::ledgers(s, accounts, &named, shelf).await?;
        let mut desk = Self {
            tenant: s.tenant(),
            programs,
            members: members
                .into_iter()
                .map(|member| (member.id, member))
                .collect(),
            ledgers,
            holders,
            originals: originals(s, reversed).await?,
            entries: HashMap::new(),
            earnings: HashMap::new(),
            requests: HashMap::new(),
            earned: Vec::new(),
            settled: Vec::new(),
            traces: HashMap::new(),
        };
        desk.load_earnings(s, commands).await?;
        desk.load_requests(s, commands).await?;
        Ok(desk)
    }

    async fn ledgers(
        s: &Scoped,
        accounts: Vec<Account>,
        named: &Named,
        shelf: &Shelf,
    ) -> Result<HashMap<MemberId, Ledger>, Error> {
        let mut ledgers: HashMap<MemberId, Ledger> = HashMap::new();
        let mut unread: Vec<Account> = Vec::new();
        for account in accounts {
            match shelf.take(&account) {
                Some(ledger) => _ = ledgers.insert(account.member, ledger),
                None => unread.push(account),
            }
        }
        let ids: Vec<Uuid> = unread.iter().map(|account| account.member.uuid()).collect();
        let mut lots: HashMap<MemberId, Vec<Lot>> = HashMap::new();
        for lot in ledger::live_lots(s, &ids).await? {
            lots.entry(lot.member).or_default().push(lot);
        }
        let mut holds: HashMap<MemberId, Vec<Hold>> = HashMap::new();
        for hold in ledger::open_holds(s, &ids).await? {
            holds.entry(hold.member).or_default().push(hold);
        }
        for account in unread {
            let member = account.member;
            let lots = lots.remove(&member).unwrap_or_default();
            let holds = holds.remove(&member).unwrap_or_default();
            ledgers.insert(member, Ledger::restore(account, lots, holds));
        }
        // Those that are named may be closed: then the ledger says so.
        for hold in ledger::holds(s, named.holds.iter().copied()).await? {
            if let Some(ledger) = ledgers.get_mut(&hold.member) {
                ledger.include_hold(hold);
            }
        }
        Ok(ledgers)
    }

    async fn load_earnings(&mut self, s: &Scoped, commands: &[&Command]) -> Result<(), Error> {
        let mut orders = HashSet::new();
        for command in commands {
            if let Ask::EarnByOrder { order, .. } = &command.ask {
                orders.insert(order.clone());
            }
        }
        if orders.is_empty() {
            return Ok(());
        }
        let programs = self.programs.keys().copied().collect();
        let earnings = ledger::earnings(s, &programs, &orders).await?;
        self.load_entries(s, earnings.iter().filter_map(|earning| earning.entry))
            .await?;
        for earning in earnings {
            self.earnings
                .insert((earning.program, earning.order_id.clone()), earning);
        }
        Ok(())
    }

    /// What is known of the request ids, with what they are answered with.
    async fn load_requests(&mut self, s: &Scoped, commands: &[&Command]) -> Result<(), Error> {
        let asked = commands
            .iter()
            .filter_map(|command| command.request.as_ref());
        let known = requests::known(s, asked.map(|request| &request.id)).await?;
        if known.is_empty() {
            return Ok(());
        }
        self.load_entries(s, known.iter().filter_map(|settled| settled.entry))
            .await?;
        let holds = ledger::holds(s, known.iter().filter_map(|settled| settled.hold)).await?;
        let holds: HashMap<HoldId, Hold> = holds.into_iter().map(|hold| (hold.id, hold)).collect();
        for settled in known {
            let seen = self.seen(s, &holds, &settled).await?;
            self.requests.insert(settled.request, seen);
        }
        Ok(())
    }

    async fn seen(
        &self,
        s: &Scoped,
        holds: &HashMap<HoldId, Hold>,
        settled: &Settled,
    ) -> Result<Seen, Error> {
        // A request id that is used for another member's request is refused, but read all the same.
        let member = settled.member;
        let program = match self.ledgers.get(&member) {
            Some(ledger) => self.programs.get(&ledger.account().program).cloned(),
            None => match members::get(s, member).await? {
                Some(member) => programs::get(s, member.program).await?,
                None => None,
            },
        };
        let program = program.ok_or(StoreError::Corrupt(
            "a request of a member that is not there",
        ))?;
        let done = Done {
            member,
            kind: program.points,
            entry: settled.entry.and_then(|id| self.entries.get(&id)).cloned(),
            hold: settled.hold.and_then(|id| holds.get(&id)).cloned(),
            balance: settled.balance,
        };
        Ok(Seen {
            hash: settled.hash.clone(),
            done,
        })
    }

    async fn load_entries(
        &mut self,
        s: &Scoped,
        ids: impl Iterator<Item = EntryId>,
    ) -> Result<(), Error> {
        let ids: HashSet<EntryId> = ids.collect();
        let entries = ledger::entries(s, ids).await?;
        self.entries
            .extend(entries.into_iter().map(|entry| (entry.id, entry)));
        Ok(())
    }
}

/// The entries to be taken back, with what was taken back of them so far and their lots.
async fn originals(s: &Scoped, entries: Vec<Entry>) -> Result<HashMap<EntryId, Original>, Error> {
    if entries.is_empty() {
        return Ok(HashMap::new());
    }
    let mut reversals: HashMap<EntryId, Vec<Entry>> = HashMap::new();
    for reversal in ledger::reversals(s, entries.iter().map(|entry| entry.id)).await? {
        if let Some(original) = reversal.reverses {
            reversals.entry(original).or_default().push(reversal);
        }
    }
    let touched = entries.iter().flat_map(|entry| &entry.allocations);
    let lots = ledger::lots(s, touched.map(|allocation| allocation.lot).collect()).await?;
    let mut originals = HashMap::new();
    for entry in entries {
        let id = entry.id;
        let of_it = |lot: &&Lot| entry.allocations.iter().any(|part| part.lot == lot.id);
        let own = lots.iter().filter(of_it).cloned().collect();
        let original = Original::new(
            entry.clone(),
            reversals.remove(&id).unwrap_or_default(),
            own,
        )
        .ok_or(StoreError::Corrupt("an entry whose lot is not there"))?;
        originals.insert(id, original);
    }
    Ok(originals)
}
