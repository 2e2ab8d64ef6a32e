//! What is demanded of a context, each with a name, so that a test can leave one out and see the attack succeed.
//!
//! Nothing outside of tests can: without the feature `testing` there is no state, and every demand stands.

/// One demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// That there is a context.
    Presence,
    /// That there is only one.
    Alone,
    /// That its signature fits.
    Signature,
    /// That it is addressed to this role.
    Audience,
    /// That it is not dated in the future, nor valid for longer than is ever given.
    Dates,
    /// That its time is not over.
    Expiry,
    /// That its key may speak for its principal.
    Principal,
    /// That internal methods are called by services.
    Service,
}

/// Which demands stand: all of them.
#[cfg(not(any(test, feature = "testing")))]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Demands(());

#[cfg(not(any(test, feature = "testing")))]
impl Demands {
    #[expect(
        clippy::unused_self,
        reason = "with the feature `testing` there is something to look at"
    )]
    pub(crate) const fn stands(self, _: Demand) -> bool {
        true
    }
}

/// Which demands stand: all but those that a test left out.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Demands(u8);

#[cfg(any(test, feature = "testing"))]
impl Demands {
    pub(crate) fn without(off: &[Demand]) -> Self {
        Self(off.iter().fold(0, |set, one| set | 1 << *one as u8))
    }

    pub(crate) const fn stands(self, one: Demand) -> bool {
        self.0 & 1 << one as u8 == 0
    }
}

#[cfg(any(test, feature = "testing"))]
impl Demand {
    /// Every one of them.
    pub const ALL: [Self; Self::Service as usize + 1] = [
        Self::Presence,
        Self::Alone,
        Self::Signature,
        Self::Audience,
        Self::Dates,
        Self::Expiry,
        Self::Principal,
        Self::Service,
    ];
}
