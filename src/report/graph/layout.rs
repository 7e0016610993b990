//! Where everything in a drawing stands, in pixels.
//!
//! In: layers. Out: boxes, strips and curves. Invariant: boxes do not overlap, and strips do not.
//! Source of the placing: in each layer the least-squares fit to the neighbours that keeps order and
//! distance (isotonic regression by pooling), in alternating passes.

use super::Edge;
use super::layers::{Layers, Route, mean, px};
use crate::state::graph::Index;

/// Size of a task's box.
pub(super) const BOX: (f64, f64) = (196.0, 56.0);
/// Room that an arrow takes where it passes a layer.
const BEND: f64 = 10.0;
/// Between boxes of a layer, and between layers, of drawings that go to the right and down.
const GAP_RIGHT: (f64, f64) = (14.0, 54.0);
const GAP_DOWN: (f64, f64) = (20.0, 42.0);
/// Room of a strip's title, around its content, and between strips.
const TITLE: f64 = 28.0;
const PAD: f64 = 12.0;
const STRIP_GAP: f64 = 14.0;
/// Passes that place the layers.
const PASSES: usize = 24;
/// How much broader than high a drawing may be before it goes down instead.
const ASPECT: f64 = 1.5;

/// A point.
pub(super) type Point = (f64, f64);

/// A strip behind the tasks of an epic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strip {
    /// The epic.
    pub(super) epic: Index,
    /// Upper edge.
    pub(super) y: f64,
    /// Height.
    pub(super) height: f64,
}

/// A curve: pairs of points, each pair a straight part, with bows between the pairs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    /// The arrow.
    pub(super) edge: Edge,
    /// Where it goes; the last point is where its head is.
    pub(super) points: Vec<Point>,
}

/// A drawing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Layout {
    /// Whether it goes down, not to the right.
    pub(super) down: bool,
    /// Upper left corner of every box.
    pub(super) boxes: Vec<(Index, Point)>,
    /// The strips.
    pub(super) strips: Vec<Strip>,
    /// The arrows.
    pub(super) curves: Vec<Curve>,
    /// Its size.
    pub(super) size: Point,
}

/// The two ways in which a drawing can go: along its layers, and across them.
struct Axes {
    down: bool,
    /// Room of a box, and the distances of boxes and layers.
    across: f64,
    along: f64,
    beside: f64,
    between: f64,
}

impl Axes {
    fn new(down: bool) -> Self {
        if down {
            Self { down, across: BOX.0, along: BOX.1, beside: GAP_DOWN.0, between: GAP_DOWN.1 }
        } else {
            Self { down, across: BOX.1, along: BOX.0, beside: GAP_RIGHT.0, between: GAP_RIGHT.1 }
        }
    }

    /// A point, `along` the way of the arrows and `across` it.
    fn point(&self, along: f64, across: f64) -> Point {
        if self.down { (across, along) } else { (along, across) }
    }

    /// Where a layer begins.
    fn start(&self, layer: usize) -> f64 {
        px(layer) * (self.along + self.between)
    }

    /// How long a drawing of so many layers is.
    fn length(&self, layers: usize) -> f64 {
        (self.start(layers) - self.between).max(0.0)
    }
}

/// Places everything.
pub(super) fn layout(layers: &Layers) -> Layout {
    let in_strips = layers.lanes.iter().any(|lane| lane.epic.is_some());
    let axes = Axes::new(!in_strips && goes_down(layers));
    let inset = if in_strips { PAD } else { 0.0 };
    let mut across = place_slots(layers, &axes);
    let extents = extents(layers, &axes, &across);
    let mut out = Layout { down: axes.down, ..Layout::default() };
    let length = axes.length(layers.rows.len());
    let columns = if in_strips { layers.rows.len().max(4) } else { columns(layers, length) };
    let mut shifts = Vec::with_capacity(extents.len());
    let mut edge = 0.0;
    let mut breadth = 0.0_f64;
    let firsts = first_layers(layers);
    for (number, (lane, (low, high))) in layers.lanes.iter().zip(extents).enumerate() {
        breadth = breadth.max(if axes.down { high - low } else { length });
        let top = edge + if lane.epic.is_some() { TITLE } else { 0.0 };
        shifts.push(if axes.down { -low } else { top - low });
        let mut bottom = top + if axes.down { length } else { high - low };
        if !lane.loose.is_empty() {
            let step = if in_strips { axes.start(1) } else { BOX.0 + GAP_DOWN.0 };
            let grid = grid(lane.loose.len(), firsts[number], columns, (top, bottom), in_strips);
            let end = place_loose(&lane.loose, (inset, grid.0), (grid.1, step), &mut out.boxes);
            bottom = bottom.max(end);
        }
        if let Some(epic) = lane.epic {
            bottom += PAD;
            out.strips.push(Strip { epic, y: edge, height: bottom - edge });
        }
        edge = bottom + STRIP_GAP;
    }
    for (slot, across) in layers.slots.iter().zip(&mut across) {
        *across += shifts[slot.lane];
        let corner = axes.point(axes.start(slot.layer), *across - axes.across / 2.0);
        out.boxes.extend(slot.task.map(|index| (index, (corner.0 + inset, corner.1))));
    }
    let curve =
        |route: &Route| Curve { edge: route.edge, points: curve(route, layers, &across, &axes, inset) };
    out.curves = layers.routes.iter().map(curve).collect();
    out.boxes.sort_by_key(|(index, _)| *index);
    let right = out.boxes.iter().map(|(_, (x, _))| x + BOX.0 + inset).fold(breadth, f64::max);
    out.size = (right, (edge - STRIP_GAP).max(0.0));
    out
}

/// Whether a drawing that goes down fits a screen better than one that goes to the right.
fn goes_down(layers: &Layers) -> bool {
    let widest = layers.rows.iter().map(Vec::len).max().unwrap_or(0);
    let extent = |axes: &Axes| (axes.length(layers.rows.len()), px(widest) * (axes.across + axes.beside));
    let scale = |(width, height): Point| (width / ASPECT).max(height);
    let (right, down) = (extent(&Axes::new(false)), extent(&Axes::new(true)));
    scale((down.1, down.0)) < scale(right)
}

/// How many columns tasks without arrows are put into: as many as the rest is wide.
fn columns(layers: &Layers, length: f64) -> usize {
    let most = layers.lanes.iter().map(|lane| lane.loose.len()).max().unwrap_or(0);
    let mut columns = 1;
    while columns < most && (px(columns + 1) * (BOX.0 + GAP_DOWN.0) <= length || columns * columns < most) {
        columns += 1;
    }
    columns
}

/// The first layer of every lane in which something stands.
fn first_layers(layers: &Layers) -> Vec<usize> {
    let mut firsts = vec![usize::MAX; layers.lanes.len()];
    for slot in &layers.slots {
        firsts[slot.lane] = firsts[slot.lane].min(slot.layer);
    }
    firsts
}

/// Where tasks without arrows begin, and in how many columns: before the rest of their lane if they fit, else below.
fn grid(count: usize, first: usize, columns: usize, (top, bottom): Point, in_strips: bool) -> (f64, usize) {
    let before = first.min(columns);
    let height = |columns: usize| px(count.div_ceil(columns)) * (BOX.1 + GAP_RIGHT.0);
    if in_strips && before > 0 && top + height(before) <= bottom + height(columns) {
        (top, before)
    } else {
        (if bottom > top { bottom + GAP_RIGHT.0 } else { top }, columns)
    }
}

/// Puts tasks without arrows into rows, and returns where the last one ends.
fn place_loose(loose: &[Index], at: Point, grid: (usize, f64), boxes: &mut Vec<(Index, Point)>) -> f64 {
    let (columns, step) = grid;
    let mut bottom = at.1;
    for (number, &index) in loose.iter().enumerate() {
        let y = at.1 + px(number / columns) * (BOX.1 + GAP_RIGHT.0);
        boxes.push((index, (at.0 + px(number % columns) * step, y)));
        bottom = y + BOX.1;
    }
    bottom
}

/// Half of the room that a slot takes across.
fn half(layers: &Layers, slot: usize, axes: &Axes) -> f64 {
    if layers.slots[slot].task.is_some() { axes.across / 2.0 } else { BEND / 2.0 }
}

/// The centre of every slot across the arrows, each lane by itself.
fn place_slots(layers: &Layers, axes: &Axes) -> Vec<f64> {
    let mut across = vec![0.0; layers.slots.len()];
    let lane = |at: &usize| layers.slots[*at].lane;
    let chunks: Vec<Vec<&[usize]>> =
        layers.rows.iter().map(|row| row.chunk_by(|a, b| lane(a) == lane(b)).collect()).collect();
    for chunk in chunks.iter().flatten() {
        fit(chunk, layers, axes, &mut across, |_, _| Some(0.0));
    }
    for pass in 0..PASSES {
        let (down, both) = (pass % 2 == 0, pass + 4 >= PASSES);
        let wish = |at: usize, across: &[f64]| {
            let slot = &layers.slots[at];
            let before = slot.before.iter().filter(|_| down || both);
            let near = before.chain(slot.after.iter().filter(|_| !down || both));
            mean(near.filter(|&&other| layers.slots[other].lane == slot.lane).map(|&other| {
                let straight = [at, other].iter().filter(|&&end| layers.slots[end].task.is_none()).count();
                (across[other], [1.0, 2.0, 8.0][straight])
            }))
        };
        for step in 0..chunks.len() {
            let row = if down { step } else { chunks.len() - 1 - step };
            for chunk in &chunks[row] {
                fit(chunk, layers, axes, &mut across, wish);
            }
        }
    }
    straighten(layers, axes, &chunks, &mut across);
    compact(layers, axes, &mut across);
    across
}

/// Puts the bends of an arrow into one line, as far as their neighbours leave room.
fn straighten(layers: &Layers, axes: &Axes, chunks: &[Vec<&[usize]>], across: &mut [f64]) {
    let mut beside: Vec<(Option<usize>, Option<usize>)> = vec![(None, None); layers.slots.len()];
    for pair in chunks.iter().flatten().flat_map(|chunk| chunk.windows(2)) {
        beside[pair[0]].1 = Some(pair[1]);
        beside[pair[1]].0 = Some(pair[0]);
    }
    let extents = extents(layers, axes, across);
    for route in layers.routes.iter().filter(|route| route.slots.len() > 3) {
        let bends = &route.slots[1..route.slots.len() - 1];
        let mut sorted: Vec<f64> = bends.iter().map(|&at| across[at]).collect();
        sorted.sort_by(f64::total_cmp);
        let line = sorted[sorted.len() / 2];
        for &at in bends {
            let (low, high) = extents[layers.slots[at].lane];
            let low = beside[at]
                .0
                .map_or(low + BEND / 2.0, |other| across[other] + distance(layers, other, at, axes));
            let high = beside[at]
                .1
                .map_or(high - BEND / 2.0, |other| across[other] - distance(layers, at, other, axes));
            if low <= high {
                across[at] = line.clamp(low, high);
            }
        }
    }
}

/// Takes out what is empty in a lane from its first layer to its last.
fn compact(layers: &Layers, axes: &Axes, across: &mut [f64]) {
    let mut order: Vec<usize> = (0..across.len()).collect();
    let low = |at: usize, across: &[f64]| across[at] - half(layers, at, axes);
    order.sort_by(|&a, &b| {
        layers.slots[a].lane.cmp(&layers.slots[b].lane).then(low(a, across).total_cmp(&low(b, across)))
    });
    for lane in order.chunk_by(|&a, &b| layers.slots[a].lane == layers.slots[b].lane) {
        let (mut end, mut shift) = (f64::INFINITY, 0.0_f64);
        for &at in lane {
            let empty = low(at, across) - shift - end;
            shift += (empty - axes.beside).max(0.0);
            across[at] -= shift;
            let high = across[at] + half(layers, at, axes);
            end = if end.is_finite() { end.max(high) } else { high };
        }
    }
}

/// How far apart the centres of two slots of a layer are at least.
fn distance(layers: &Layers, first: usize, second: usize, axes: &Axes) -> f64 {
    let bends = [first, second].iter().all(|&slot| layers.slots[slot].task.is_none());
    let gap = if bends { BEND / 2.0 } else { axes.beside };
    half(layers, first, axes) + gap + half(layers, second, axes)
}

/// Moves slots of one layer as near as can be to where they wish to be, in their order.
fn fit(
    row: &[usize],
    layers: &Layers,
    axes: &Axes,
    across: &mut [f64],
    wish: impl Fn(usize, &[f64]) -> Option<f64>,
) {
    // Blocks of slots that touch: their sum of wishes, and how many they are.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (place, &at) in row.iter().enumerate() {
        if place > 0 {
            offset += distance(layers, row[place - 1], at, axes);
        }
        offsets.push(offset);
        let mut block = (wish(at, across).unwrap_or(across[at]) - offset, 1.0, 1);
        while let Some(&(sum, weight, count)) =
            blocks.last().filter(|last| last.0 / last.1 > block.0 / block.1)
        {
            block = (sum + block.0, weight + block.1, count + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut slots = row.iter().zip(&offsets);
    for (sum, weight, count) in blocks {
        for (&at, offset) in slots.by_ref().take(count) {
            across[at] = sum / weight + offset;
        }
    }
}

/// The lowest and the highest edge of every lane across the arrows.
fn extents(layers: &Layers, axes: &Axes, across: &[f64]) -> Vec<Point> {
    let mut extents = vec![(f64::INFINITY, f64::NEG_INFINITY); layers.lanes.len()];
    for (at, slot) in layers.slots.iter().enumerate() {
        let (low, high) = &mut extents[slot.lane];
        *low = low.min(across[at] - half(layers, at, axes));
        *high = high.max(across[at] + half(layers, at, axes));
    }
    extents.into_iter().map(|(low, high)| if low > high { (0.0, 0.0) } else { (low, high) }).collect()
}

/// The points of an arrow: out of one box, straight through the layers between, into the other.
fn curve(route: &Route, layers: &Layers, across: &[f64], axes: &Axes, inset: f64) -> Vec<Point> {
    let mut points = Vec::new();
    for (place, &at) in route.slots.iter().enumerate() {
        let start = axes.start(layers.slots[at].layer);
        if place > 0 {
            points.push(axes.point(start, across[at]));
        }
        if place + 1 < route.slots.len() {
            points.push(axes.point(start + axes.along, across[at]));
        }
    }
    points.into_iter().map(|(x, y)| (x + inset, y)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::View;
    use super::super::layers::layers;
    use super::super::samples::{any_graph, graph, task};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_goes_down_and_a_fan_goes_to_the_right() {
        let chain: Vec<_> =
            (0..9).map(|n| task(&format!("t-{}", n + 1), "T", &[&format!("t-{n}")])).collect();
        let fan: Vec<_> =
            (1..9).map(|n| task(&format!("t-{n}"), "T", &["a"])).chain([task("a", "A", &[])]).collect();
        let down =
            |tasks: &[_]| layout(&layers(&View::new(&graph(tasks), &super::super::Options::default()))).down;
        assert!(down(&chain));
        assert!(!down(&fan));
    }

    proptest! {
        #[test]
        fn boxes_do_not_overlap_and_stay_on_the_page(graph in any_graph()) {
            let layout = layout(&layers(&View::new(&graph, &super::super::Options::default())));
            for (number, (_, a)) in layout.boxes.iter().enumerate() {
                prop_assert!(a.0 > -0.1 && a.1 > -0.1);
                prop_assert!(a.0 + BOX.0 < layout.size.0 + 0.1 && a.1 + BOX.1 < layout.size.1 + 0.1, "{:?}", layout);
                for (_, b) in &layout.boxes[number + 1..] {
                    let apart = (a.0 - b.0).abs() > BOX.0 - 0.1 || (a.1 - b.1).abs() > BOX.1 - 0.1;
                    prop_assert!(apart, "{:?}", layout);
                }
            }
            for pair in layout.strips.windows(2) {
                prop_assert!(pair[0].y + pair[0].height < pair[1].y);
            }
        }
    }
}
