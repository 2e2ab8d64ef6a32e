//! How domain values stand in columns, and back. What cannot be read back is corrupt.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rapport_foundation::db::Error;
use rapport_foundation::id::{AgentId, CustomerId, RecordId, WorkItemId};
use rapport_foundation::time::Micros;
use sea_orm::entity::prelude::{Json, Uuid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{Channel, ChannelCapacity, Code, CustomerRef, Decline, Offer, Skills};

pub(super) fn code(text: &str) -> Result<Code, Error> {
    text.parse().map_err(|_| Error::Corrupt("a code"))
}

pub(super) fn optional_code(text: Option<&String>) -> Result<Option<Code>, Error> {
    text.map(|text| code(text)).transpose()
}

pub(super) fn codes_out(codes: &BTreeSet<Code>) -> Json {
    codes.iter().map(Code::as_str).collect()
}

pub(super) fn codes_in(json: &Json) -> Result<BTreeSet<Code>, Error> {
    let list = json.as_array().ok_or(Error::Corrupt("a list of codes"))?;
    let text = |value: &Json| code(value.as_str().ok_or(Error::Corrupt("a list of codes"))?);
    list.iter().map(text).collect()
}

pub(super) fn skills_out(skills: &Skills) -> Json {
    skills.texts().into()
}

pub(super) fn skills_in(json: &Json) -> Result<Skills, Error> {
    json_in(json.clone())
}

/// Skills that end. There were none when the column came.
pub(super) fn skills_until_out(ends: &BTreeMap<Code, Micros>) -> Option<Json> {
    let pair = |(skill, until): (&Code, &Micros)| (skill.to_string(), Json::from(until.0));
    (!ends.is_empty()).then(|| Json::Object(ends.iter().map(pair).collect()))
}

pub(super) fn skills_until_in(json: Option<&Json>) -> Result<BTreeMap<Code, Micros>, Error> {
    const CORRUPT: Error = Error::Corrupt("ends of skills");
    let Some(json) = json else {
        return Ok(BTreeMap::new());
    };
    let pair = |(skill, until): (&String, &Json)| {
        let until = until.as_i64().ok_or(CORRUPT)?;
        Ok((code(skill)?, Micros(until)))
    };
    json.as_object().ok_or(CORRUPT)?.iter().map(pair).collect()
}

/// The member of a named enumeration.
pub(super) fn named<T>(found: Option<T>) -> Result<T, Error> {
    found.ok_or(Error::Corrupt("an unknown name"))
}

pub(super) fn customer(record: Option<Uuid>, customer: Option<Uuid>) -> Option<CustomerRef> {
    Some(CustomerRef {
        record: RecordId::from_uuid(record?),
        customer: CustomerId::from_uuid(customer?),
    })
}

pub(super) fn declines_out(declines: &[Decline]) -> Json {
    let pair = |d: &Decline| Json::from(vec![Json::from(d.agent.to_string()), d.until.0.into()]);
    declines.iter().map(pair).collect()
}

pub(super) fn declines_in(json: &Json) -> Result<Vec<Decline>, Error> {
    const CORRUPT: Error = Error::Corrupt("a list of declines");
    let pair = |value: &Json| {
        let agent = value.get(0).and_then(Json::as_str).ok_or(CORRUPT)?;
        let until = value.get(1).and_then(Json::as_i64).ok_or(CORRUPT)?;
        Ok(Decline {
            agent: agent.parse::<AgentId>().map_err(|_| CORRUPT)?,
            until: Micros(until),
        })
    };
    json.as_array().ok_or(CORRUPT)?.iter().map(pair).collect()
}

/// Offers besides the first: mostly there are none.
pub(super) fn offers_out(offers: &[Offer]) -> Option<Json> {
    let one = |offer: &Offer| {
        Json::from(vec![
            Json::from(offer.id.to_string()),
            offer.agent.to_string().into(),
            offer.made_at.0.into(),
            offer.expires_at.0.into(),
        ])
    };
    (!offers.is_empty()).then(|| offers.iter().map(one).collect())
}

pub(super) fn offers_in(item: WorkItemId, json: Option<&Json>) -> Result<Vec<Offer>, Error> {
    const CORRUPT: Error = Error::Corrupt("a list of offers");
    let Some(json) = json else {
        return Ok(Vec::new());
    };
    let one = |value: &Json| {
        let text = |place: usize| value.get(place).and_then(Json::as_str).ok_or(CORRUPT);
        let time = |place: usize| value.get(place).and_then(Json::as_i64).ok_or(CORRUPT);
        Ok(Offer {
            id: text(0)?.parse().map_err(|_| CORRUPT)?,
            item,
            agent: text(1)?.parse().map_err(|_| CORRUPT)?,
            made_at: Micros(time(2)?),
            expires_at: Micros(time(3)?),
        })
    };
    json.as_array().ok_or(CORRUPT)?.iter().map(one).collect()
}

/// Of each channel how many, and where that is not the usual: what one takes, and what may come between.
pub(super) fn capacities_out(named: &[ChannelCapacity]) -> Json {
    let one = |capacity: &ChannelCapacity| {
        let between = capacity.interrupted_by.iter().map(|c| c.as_str());
        let mut parts = vec![
            Json::from(capacity.channel.as_str()),
            capacity.concurrent.into(),
        ];
        if *capacity != ChannelCapacity::of(capacity.channel, capacity.concurrent) {
            parts.extend([capacity.weight.into(), between.collect()]);
        }
        Json::from(parts)
    };
    named.iter().map(one).collect()
}

pub(super) fn capacities_in(json: &Json) -> Result<Vec<ChannelCapacity>, Error> {
    const CORRUPT: Error = Error::Corrupt("a list of capacities");
    let channel = |value: &Json| value.as_str().and_then(Channel::named).ok_or(CORRUPT);
    let number = |value: &Json| count(value.as_u64().ok_or(CORRUPT)?);
    let one = |value: &Json| {
        let parts = value.as_array().ok_or(CORRUPT)?;
        let (of, concurrent) = parts.first().zip(parts.get(1)).ok_or(CORRUPT)?;
        let mut capacity = ChannelCapacity::of(channel(of)?, number(concurrent)?);
        if let Some((weight, between)) = parts.get(2).zip(parts.get(3)) {
            let between = between.as_array().ok_or(CORRUPT)?.iter().map(channel);
            capacity.weight = number(weight)?;
            capacity.interrupted_by = between.collect::<Result<_, _>>()?;
        }
        Ok(capacity)
    };
    json.as_array().ok_or(CORRUPT)?.iter().map(one).collect()
}

/// A value that is stored as a whole.
pub(super) fn json_out(value: &impl Serialize) -> Result<Json, Error> {
    serde_json::to_value(value).map_err(|_| Error::Corrupt("a value that cannot be stored"))
}

/// A value that was stored as a whole.
pub(super) fn json_in<T: DeserializeOwned>(json: Json) -> Result<T, Error> {
    serde_json::from_value(json).map_err(|_| Error::Corrupt("a value stored as a whole"))
}

/// A number that was stored by us and therefore fits.
pub(super) fn count<N, T: TryFrom<N>>(number: N) -> Result<T, Error> {
    T::try_from(number).map_err(|_| Error::Corrupt("a number out of range"))
}

pub(super) fn span_out(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn span_in(micros: i64) -> Result<Duration, Error> {
    Ok(Duration::from_micros(count(micros)?))
}
