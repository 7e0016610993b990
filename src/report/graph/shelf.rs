//! How many tasks a layer takes.
//!
//! Invariant: no layer of a lane is overfull, and finding the next one with room is all but constant.

/// How full the layers of a lane are.
#[derive(Default)]
pub(super) struct Shelf {
    tasks: usize,
    taken: Vec<usize>,
    /// From a full layer on to the next that may have room.
    onward: Vec<usize>,
}

impl Shelf {
    /// Counts a task that is to come.
    pub(super) fn announce(&mut self) {
        self.tasks += 1;
    }

    /// How many tasks stand in a layer: so many that the lane is about as high as it is long.
    fn room(&self) -> usize {
        (self.tasks.isqrt() * 3 / 2).max(8)
    }

    fn reach(&mut self, layer: usize) {
        while self.taken.len() <= layer {
            self.onward.push(self.taken.len());
            self.taken.push(0);
        }
    }

    /// Puts a task into the first layer from `wanted` on that has room.
    pub(super) fn put(&mut self, wanted: usize) -> usize {
        let mut at = wanted;
        loop {
            self.reach(at);
            if self.onward[at] != at {
                let further = self.onward[at];
                self.onward[at] = self.onward.get(further).copied().unwrap_or(further);
                at = further;
            } else if self.taken[at] >= self.room() {
                self.onward[at] = at + 1;
            } else {
                self.taken[at] += 1;
                return at;
            }
        }
    }

    /// Moves a task between layers where there is room, and says where it is then.
    pub(super) fn shift(&mut self, from: usize, to: usize) -> usize {
        self.reach(to);
        if self.taken[to] >= self.room() {
            return from;
        }
        self.taken[from] -= 1;
        self.taken[to] += 1;
        to
    }
}
