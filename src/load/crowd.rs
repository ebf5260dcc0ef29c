//! Who takes part: users who are online, two and two and in groups, and users who are absent and come back. Pure.

use crate::xmpp::{Door, Login, Room};

/// Everybody.
#[derive(Clone)]
pub struct Crowd {
    /// Accounts: those who are online, then those who are absent.
    pub logins: Vec<Login>,
    /// How many are online.
    pub online: usize,
    /// Where they come in, one after the other.
    pub doors: Vec<Door>,
    /// Domain of their addresses.
    pub domain: String,
    /// Domain of the rooms.
    pub conference: String,
    /// Members of a group.
    pub members: usize,
    /// Share of messages to one that go to somebody absent.
    pub to_absent: f64,
}

/// A user's place in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seat {
    /// Number of the group.
    pub(super) group: usize,
    /// Place in it; the first makes the room.
    pub(super) seat: usize,
}

impl Crowd {
    /// Where a user comes in.
    pub(super) fn door(&self, user: usize) -> &Door {
        &self.doors[user % self.doors.len()]
    }

    /// A user's address.
    pub(super) fn address(&self, user: usize) -> String {
        format!("{}@{}", self.logins[user].user, self.domain)
    }

    /// Whom a user writes to; none for the last of an odd number.
    pub(super) fn partner(&self, user: usize) -> Option<usize> {
        let partner = user ^ 1;
        (partner < self.online).then_some(partner)
    }

    /// How many are absent.
    pub(super) fn absent(&self) -> usize {
        self.logins.len().saturating_sub(self.online)
    }

    /// The absent one that the `n`-th message to somebody absent goes to, and who writes it.
    pub(super) fn absent_pair(&self, nth: usize) -> Option<(usize, usize)> {
        let absent = nth.checked_rem(self.absent())?;
        Some((absent % self.online.max(1), self.online + absent))
    }

    /// Whether the `n`-th message to one goes to somebody absent.
    pub(super) fn goes_to_absent(&self, nth: usize) -> bool {
        let share = |count: usize| (super::result::real(count) * self.to_absent).floor();
        self.absent() > 0 && share(nth + 1) > share(nth)
    }

    /// Groups: everybody online sits in one, and one who would sit alone in none.
    pub(super) fn groups(&self) -> usize {
        let (full, left) = (self.online / self.members, self.online % self.members);
        full + usize::from(left > 1)
    }

    /// A user's seat.
    pub(super) fn seat(&self, user: usize) -> Option<Seat> {
        let seat = Seat { group: user / self.members, seat: user % self.members };
        (seat.group < self.groups()).then_some(seat)
    }

    /// The room of a group; its name holds that of the first account, so that no other run has it.
    pub(super) fn room(&self, group: usize) -> Room {
        Room(format!("{}-g{group}@{}", self.logins[0].user, self.conference))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::xmpp::Proof;

    pub(in crate::load) fn crowd(online: usize, all: usize) -> Crowd {
        let login = |number| Login {
            user: format!("u{number}"),
            proof: Proof::Password(Secret::new(String::new())),
            resource: "load".to_owned(),
        };
        Crowd {
            logins: (0..all).map(login).collect(),
            online,
            doors: Vec::new(),
            domain: "im".to_owned(),
            conference: "conference.im".to_owned(),
            members: 20,
            to_absent: 0.25,
        }
    }

    #[test]
    fn everybody_has_a_partner_and_a_seat_and_nobody_sits_alone() {
        let crowd = crowd(41, 45);
        assert_eq!((crowd.partner(0), crowd.partner(1), crowd.partner(40)), (Some(1), Some(0), None));
        assert_eq!(crowd.groups(), 2);
        assert_eq!(crowd.seat(39), Some(Seat { group: 1, seat: 19 }));
        assert_eq!(crowd.seat(40), None);
        assert_eq!(crowd.room(1).0, "u0-g1@conference.im");
    }

    #[test]
    fn every_fourth_message_goes_to_somebody_absent() {
        let crowd = crowd(10, 13);
        let nth: Vec<usize> = (0..12).filter(|nth| crowd.goes_to_absent(*nth)).collect();
        assert_eq!(nth, [3, 7, 11]);
        assert_eq!(crowd.absent_pair(4), Some((1, 11)));
        assert_eq!(super::tests::crowd(10, 10).absent_pair(0), None);
        assert!(!super::tests::crowd(10, 10).goes_to_absent(3));
    }
}
