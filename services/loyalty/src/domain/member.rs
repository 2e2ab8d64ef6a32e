use rapport_foundation::id::{CustomerId, MemberId, ProgramId, RecordId};
use rapport_foundation::time::Micros;

/// A customer as the ledger knows them: the view, and the record the fact came in by. Kept as a pair
/// for ever; a merge changes only the map from record to customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CustomerRef {
    /// The customer.
    pub customer: CustomerId,
    /// The source record.
    pub record: RecordId,
}

/// A customer in a programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Which member.
    pub id: MemberId,
    /// The programme.
    pub program: ProgramId,
    /// Who it is: the record of the enrolment and the customer that record belongs to now.
    pub customer: CustomerRef,
    /// When they joined.
    pub enrolled_at: Micros,
    /// Counts changes from 1.
    pub version: i64,
}

/// Which of several members of one programme a fact belongs to: the one enrolled by the very record
/// the fact came in by, else the one who joined first. Several exist after a merge of two customers
/// who were both members: both accounts stay, so that the merge can be taken back.
#[must_use]
pub fn the_one_for(record: RecordId, members: &[Member]) -> Option<&Member> {
    members
        .iter()
        .find(|member| member.customer.record == record)
        .or_else(|| {
            members
                .iter()
                .min_by_key(|member| (member.enrolled_at, member.id))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(record: RecordId, at: i64) -> Member {
        let at = Micros(at);
        Member {
            id: MemberId::new(at),
            program: ProgramId::nil(),
            customer: CustomerRef {
                customer: CustomerId::nil(),
                record,
            },
            enrolled_at: at,
            version: 1,
        }
    }

    #[test]
    fn a_fact_goes_to_the_member_of_its_record_else_to_the_oldest() {
        let [one, two, three] = [1, 2, 3].map(|at| RecordId::new(Micros(at)));
        let members = [member(two, 20), member(one, 10)];
        let seen = |record| the_one_for(record, &members).map(|member| member.customer.record);
        assert_eq!(seen(two), Some(two));
        assert_eq!(seen(three), Some(one));
        assert_eq!(the_one_for(one, &[]), None);
    }
}
