//! Which layer of a drawing a task stands in, and where in it.
//!
//! In: a view. Out: layers of slots; a slot holds a task, or the bend of an arrow that passes.
//! Invariant: an arrow leads from a layer to a later one, unless it belongs to a cycle.
//! Sources: longest-path layering with a bound on a layer's size (after Coffman and Graham), and
//! barycentre sweeps that keep the order with the fewest crossings (after Sugiyama).

use super::rank;
use super::shelf::Shelf;
use super::{Edge, View};
use crate::state::graph::Index;
use std::collections::BTreeMap;

/// How often the order inside the layers is improved.
const SWEEPS: usize = 16;
/// Up to how many tasks arrows that others imply are found.
const IMPLIED_MAX: usize = 2_048;

/// A place in a layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    /// The task that stands here; none for the bend of an arrow.
    pub(super) task: Option<Index>,
    /// Its layer.
    pub(super) layer: usize,
    /// Its lane in [`Layers::lanes`].
    pub(super) lane: usize,
    /// Slots of the layer before that lead here.
    pub(super) before: Vec<usize>,
    /// Slots of the layer after that it leads to.
    pub(super) after: Vec<usize>,
}

/// An arrow with the slots that it passes, the first and last its tasks'.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    /// The arrow.
    pub(super) edge: Edge,
    /// Slots from its beginning to its end.
    pub(super) slots: Vec<usize>,
}

/// A strip of the drawing: the tasks of one epic, or of none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lane {
    /// The epic.
    pub(super) epic: Option<Index>,
    /// Tasks that no arrow touches.
    pub(super) loose: Vec<Index>,
}

/// A view in layers.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layers {
    /// All slots.
    pub(super) slots: Vec<Slot>,
    /// The slots of each layer, in order.
    pub(super) rows: Vec<Vec<usize>>,
    /// The strips, in order.
    pub(super) lanes: Vec<Lane>,
    /// The arrows that are drawn.
    pub(super) routes: Vec<Route>,
    /// How many arrows are not drawn because others imply them.
    pub(super) implied: usize,
}

/// Puts a view into layers.
pub(super) fn layers(view: &View) -> Layers {
    let next = rank::successors(view);
    let order = rank::order(view, &next);
    let place = rank::places(&order, view.graph().nodes().len());
    let mut layers = Layers::default();
    let lane_of = lanes(view, &order, &place, &mut layers.lanes);
    let level = levels(view, &next, &order, &place, &lane_of);
    let mut slot_of = vec![rank::NOWHERE; place.len()];
    for &index in order.iter().filter(|&&index| view.is_point(index)) {
        if view.is_joined(index) {
            slot_of[index] = layers.slot(Some(index), level[index], lane_of[index]);
        } else {
            layers.lanes[lane_of[index]].loose.push(index);
        }
    }
    let implied = implied(view, &next, &order, &place);
    layers.implied = implied.iter().filter(|&&implied| implied).count();
    let bends_max = 4 * order.len() + 1_000;
    for (edge, _) in view.edges().iter().zip(implied).filter(|(_, implied)| !implied) {
        layers.route(*edge, slot_of[edge.from], slot_of[edge.to], bends_max);
    }
    layers.fill_rows();
    layers.untangle();
    layers
}

impl Layers {
    fn slot(&mut self, task: Option<Index>, layer: usize, lane: usize) -> usize {
        self.slots.push(Slot { task, layer, lane, before: Vec::new(), after: Vec::new() });
        self.slots.len() - 1
    }

    /// Leads an arrow through a bend in every layer between its ends, while bends are left.
    fn route(&mut self, edge: Edge, from: usize, to: usize, bends_max: usize) {
        let (first, last) = (self.slots[from].layer, self.slots[to].layer);
        let mut slots = vec![from];
        let bends = last.saturating_sub(first + 1);
        if self.slots.len() + bends <= bends_max {
            let lane = self.slots[from].lane;
            slots.extend((first + 1..last).map(|layer| self.slot(None, layer, lane)));
        }
        slots.push(to);
        for pair in slots.windows(2) {
            if self.slots[pair[0]].layer + 1 == self.slots[pair[1]].layer {
                self.slots[pair[0]].after.push(pair[1]);
                self.slots[pair[1]].before.push(pair[0]);
            }
        }
        self.routes.push(Route { edge, slots });
    }

    fn fill_rows(&mut self) {
        let count = self.slots.iter().map(|slot| slot.layer + 1).max().unwrap_or(0);
        self.rows = vec![Vec::new(); count];
        for at in self.depth_first() {
            self.rows[self.slots[at].layer].push(at);
        }
        for row in &mut self.rows {
            row.sort_by_key(|&at| self.slots[at].lane);
        }
    }

    /// The slots such that what belongs together comes together.
    fn depth_first(&self) -> Vec<usize> {
        let mut seen = vec![false; self.slots.len()];
        let mut order = Vec::with_capacity(seen.len());
        for start in 0..seen.len() {
            let mut stack = vec![start];
            while let Some(at) = stack.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    order.push(at);
                    stack.extend(self.slots[at].before.iter().rev());
                    stack.extend(self.slots[at].after.iter().rev());
                }
            }
        }
        order
    }

    /// Orders each layer by its neighbours, to and fro, and keeps what crosses least.
    fn untangle(&mut self) {
        let mut best = (self.crossings(), self.rows.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let down = sweep % 2 == 0;
            let mut position = self.positions();
            for step in 0..self.rows.len() {
                let row = if down { step } else { self.rows.len() - 1 - step };
                self.sort_row(row, down, &mut position);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    fn positions(&self) -> Vec<f64> {
        let mut position = vec![0.0; self.slots.len()];
        for row in &self.rows {
            place_row(row, &mut position);
        }
        position
    }

    fn sort_row(&mut self, row: usize, down: bool, position: &mut [f64]) {
        let slots = &self.slots;
        let centre = |at: usize| {
            let near = if down { &slots[at].before } else { &slots[at].after };
            mean(near.iter().map(|&other| (position[other], 1.0))).unwrap_or(position[at])
        };
        let mut keyed: Vec<(usize, f64, usize)> =
            self.rows[row].iter().map(|&at| (slots[at].lane, centre(at), at)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.rows[row] = keyed.into_iter().map(|(_, _, at)| at).collect();
        place_row(&self.rows[row], position);
    }

    /// How many pairs of arrows cross between neighbouring layers.
    fn crossings(&self) -> usize {
        let mut position = vec![0; self.slots.len()];
        for row in &self.rows {
            row.iter().enumerate().for_each(|(place, &at)| position[at] = place);
        }
        let mut crossings = 0;
        for pair in self.rows.windows(2) {
            // A tree of counts: of the arrows so far, how many end further on.
            let mut counts = vec![0_usize; pair[1].len() + 1];
            let mut so_far = 0;
            for &at in &pair[0] {
                let mut ends: Vec<usize> = self.slots[at].after.iter().map(|&to| position[to]).collect();
                ends.sort_unstable();
                crossings += ends.iter().map(|&end| so_far - up_to(&counts, end + 1)).sum::<usize>();
                for &end in &ends {
                    count(&mut counts, end + 1);
                }
                so_far += ends.len();
            }
        }
        crossings
    }
}

fn place_row(row: &[usize], position: &mut [f64]) {
    let mut place = 0.0;
    for &at in row {
        position[at] = place;
        place += 1.0;
    }
}

/// A count as a number of pixels or places.
pub(super) fn px(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The mean of values with weights; none of nothing.
pub(super) fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weight) =
        values.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    (weight > 0.0).then(|| sum / weight)
}

fn count(counts: &mut [usize], mut at: usize) {
    while at < counts.len() {
        counts[at] += 1;
        at += at & at.wrapping_neg();
    }
}

fn up_to(counts: &[usize], mut at: usize) -> usize {
    let mut sum = 0;
    while at > 0 {
        sum += counts[at];
        at -= at & at.wrapping_neg();
    }
    sum
}

/// The lane of every task, and the lanes: outer epics near those that they are joined to, inner after outer.
fn lanes(view: &View, order: &[Index], place: &[usize], lanes: &mut Vec<Lane>) -> Vec<usize> {
    let groups = groups(view, order, place);
    let mut found: BTreeMap<(usize, Vec<Index>), Vec<Index>> = BTreeMap::new();
    for &index in order.iter().filter(|&&index| view.is_point(index)) {
        let mut path = Vec::new();
        let mut around = if view.is_container(index) { Some(index) } else { view.container(index) };
        while let Some(outer) = around {
            path.push(outer);
            around = view.container(outer);
        }
        path.reverse();
        found.entry((groups[index], path)).or_default().push(index);
    }
    let mut lane_of = vec![0; place.len()];
    for (lane, ((_, path), members)) in found.into_iter().enumerate() {
        for index in members {
            lane_of[index] = lane;
        }
        lanes.push(Lane { epic: path.last().copied(), loose: Vec::new() });
    }
    lane_of
}

/// For every task the rank of the outermost epic around it, the tasks in none being one group.
fn groups(view: &View, order: &[Index], place: &[usize]) -> Vec<usize> {
    // By place: the outermost epic; what stands alone counts to the group behind the last.
    let mut group = vec![order.len(); place.len()];
    for index in view.outer_first() {
        group[index] = match view.container(index) {
            Some(epic) => group[epic],
            None if view.is_container(index) => place[index],
            None => order.len(),
        };
    }
    let mut joins: BTreeMap<usize, Vec<usize>> =
        order.iter().map(|&index| (group[index], Vec::new())).collect();
    for edge in view.edges() {
        let (from, to) = (group[edge.from], group[edge.to]);
        if from != to {
            joins.entry(from).or_default().push(to);
            joins.entry(to).or_default().push(from);
        }
    }
    let mut rank = vec![0; order.len() + 1];
    let mut ranked: Vec<usize> = joins.keys().copied().collect();
    for _ in 0..SWEEPS {
        ranked.iter().enumerate().for_each(|(at, &group)| rank[group] = at);
        // A group stays half where it is, so that two joined ones do not change places for ever.
        let centre = |group: usize| {
            let others = joins[&group].iter().map(|&other| (px(rank[other]), 1.0));
            mean(others).map_or(px(rank[group]), |centre| f64::midpoint(centre, px(rank[group])))
        };
        let mut keyed: Vec<(f64, usize)> = ranked.iter().map(|&group| (centre(group), group)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        ranked = keyed.into_iter().map(|(_, group)| group).collect();
    }
    ranked.iter().enumerate().for_each(|(at, &group)| rank[group] = at);
    group.into_iter().map(|group| rank[group]).collect()
}

/// The layer of every task: after all that it needs, no layer of a lane overfull, and near what waits for it.
fn levels(
    view: &View,
    next: &[Vec<Index>],
    order: &[Index],
    place: &[usize],
    lane_of: &[usize],
) -> Vec<usize> {
    let mut level = vec![0; place.len()];
    let drawn = |index: Index| view.is_point(index) && view.is_joined(index);
    let mut lanes: Vec<Shelf> = Vec::new();
    for &index in order.iter().filter(|&&index| drawn(index)) {
        lanes.resize_with(lanes.len().max(lane_of[index] + 1), Shelf::default);
        lanes[lane_of[index]].announce();
    }
    for &index in order {
        if drawn(index) {
            level[index] = lanes[lane_of[index]].put(level[index]);
        }
        for &after in next[index].iter().filter(|&&after| place[after] > place[index]) {
            level[after] = level[after].max(level[index] + usize::from(drawn(index)));
        }
    }
    let mut needs = vec![0_usize; place.len()];
    next.iter().flatten().for_each(|&after| needs[after] += 1);
    for &index in order.iter().rev().filter(|&&index| drawn(index)) {
        let later = next[index].iter().filter(|&&after| place[after] > place[index] && drawn(after));
        let Some(latest) = later.map(|&after| level[after] - 1).min() else { continue };
        if latest > level[index] && needs[index] < next[index].len() {
            level[index] = lanes[lane_of[index]].shift(level[index], latest);
        }
    }
    level
}

/// Of every arrow, whether a longer way leads from its beginning to its end.
fn implied(view: &View, next: &[Vec<Index>], order: &[Index], place: &[usize]) -> Vec<bool> {
    if order.len() > IMPLIED_MAX {
        return vec![false; view.edges().len()];
    }
    let words = order.len().div_ceil(64);
    // By place: what is reached at all, and what is reached in more than one step.
    let mut reached = vec![vec![0_u64; words]; order.len()];
    let mut further = reached.clone();
    for (at, &index) in order.iter().enumerate().rev() {
        for &after in next[index].iter().filter(|&&after| place[after] > at) {
            let (before, behind) = reached.split_at_mut(place[after]);
            for word in 0..words {
                further[at][word] |= behind[0][word];
                before[at][word] |= behind[0][word];
            }
            before[at][place[after] / 64] |= 1 << (place[after] % 64);
        }
    }
    let is_implied = |edge: &Edge| {
        let to = place[edge.to];
        !edge.faulty && further[place[edge.from]][to / 64] & (1 << (to % 64)) != 0
    };
    view.edges().iter().map(is_implied).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{any_graph, graph, task};
    use super::*;
    use proptest::prelude::*;

    fn drawn(tasks: &[crate::state::task::Task]) -> Layers {
        layers(&View::new(&graph(tasks), &super::super::Options::default()))
    }

    #[test]
    fn an_arrow_that_a_longer_way_implies_is_left_out_and_counted() {
        let layers = drawn(&[task("a", "A", &[]), task("b", "B", &["a"]), task("c", "C", &["a", "b"])]);
        assert_eq!((layers.routes.len(), layers.implied), (2, 1));
    }

    #[test]
    fn arrows_that_need_not_cross_do_not() {
        let layers = drawn(&[
            task("a", "A", &[]),
            task("b", "B", &[]),
            task("c", "C", &["b"]),
            task("d", "D", &["a"]),
            task("e", "E", &["c"]),
            task("f", "F", &["d"]),
        ]);
        assert_eq!(layers.crossings(), 0);
    }

    #[test]
    fn a_task_that_waits_for_its_own_epic_does_not_turn_arrows_around() {
        use super::super::samples::{epic, with};
        use crate::state::status::Status;
        let graph = graph(&[
            epic("e", "E"),
            with(task("a", "A", &["e"]), Status::Pending, "e"),
            task("b", "B", &["a"]),
        ]);
        let layers = layers(&View::new(&graph, &super::super::Options::default()));
        let layer = |slot: usize| layers.slots[slot].layer;
        assert!(layers.routes.iter().all(|route| layer(route.slots[0]) < layer(route.slots[1])));
    }

    #[test]
    fn crossings_are_counted() {
        let slot = |layer, before: &[usize], after: &[usize]| Slot {
            task: None,
            layer,
            lane: 0,
            before: before.to_vec(),
            after: after.to_vec(),
        };
        let slots =
            vec![slot(0, &[], &[2, 3]), slot(0, &[], &[2, 3]), slot(1, &[0, 1], &[]), slot(1, &[0, 1], &[])];
        let layers = Layers { slots, rows: vec![vec![0, 1], vec![2, 3]], ..Layers::default() };
        assert_eq!(layers.crossings(), 1);
    }

    #[test]
    fn a_star_is_spread_over_several_layers() {
        let mut tasks = vec![task("hub", "Hub", &[])];
        tasks.extend((0..400).map(|n| task(&format!("t-{n}"), "T", &["hub"])));
        let layers = drawn(&tasks);
        let tasks = |row: &Vec<usize>| row.iter().filter(|&&at| layers.slots[at].task.is_some()).count();
        assert!(layers.rows.iter().all(|row| tasks(row) <= 30));
        assert!(layers.rows.len() > 10);
    }

    proptest! {
        #[test]
        fn arrows_lead_to_later_layers_unless_they_close_a_cycle(graph in any_graph()) {
            let view = View::new(&graph, &super::super::Options::default());
            let layers = layers(&view);
            let whole = view.faults().count() == 0;
            for route in &layers.routes {
                let (from, to) = (&layers.slots[route.slots[0]], &layers.slots[route.slots[route.slots.len() - 1]]);
                prop_assert_eq!((from.task, to.task), (Some(route.edge.from), Some(route.edge.to)));
                prop_assert!(from.layer < to.layer || !whole);
            }
            let drawn: usize = layers.lanes.iter().map(|lane| lane.loose.len()).sum::<usize>()
                + layers.slots.iter().filter(|slot| slot.task.is_some()).count();
            prop_assert_eq!(drawn, view.picked().iter().filter(|&&index| view.is_point(index)).count());
            prop_assert_eq!(layers.rows.iter().map(Vec::len).sum::<usize>(), layers.slots.len());
        }
    }
}
