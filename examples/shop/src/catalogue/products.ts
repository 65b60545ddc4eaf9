export interface Product {
  readonly id: string
  readonly name: string
  readonly line: string
  readonly about: string
  /** Whole euro cents. */
  readonly cents: number
  readonly picture: string
}

export const PRODUCTS: readonly Product[] = [
  {
    id: 'mug',
    name: 'Enamel mug',
    line: 'Two firings, one dent',
    about: 'Steel under two coats of enamel. It chips where you drop it and holds coffee for ever.',
    cents: 2400,
    picture: '/static/products/mug.svg',
  },
  {
    id: 'lantern',
    name: 'Storm lantern',
    line: 'Burns in a gale',
    about:
      'A flat wick, a globe of pressed glass and a bail that does not rattle. Eleven hours on ' +
      'one filling.',
    cents: 6900,
    picture: '/static/products/lantern.svg',
  },
  {
    id: 'jumper',
    name: 'Harbour jumper',
    line: 'Undyed wool',
    about: 'Knitted in the round from wool that still smells of weather. Warm when it is wet.',
    cents: 13900,
    picture: '/static/products/jumper.svg',
  },
  {
    id: 'rope',
    name: 'Hand-laid rope',
    line: 'Ten metres of manila',
    about: 'Three strands, laid on a walk of eighty paces. Holds a boat, a swing, or a goat.',
    cents: 3200,
    picture: '/static/products/rope.svg',
  },
  {
    id: 'compass',
    name: 'Pocket compass',
    line: 'Brass, liquid damped',
    about: 'Settles in two seconds and agrees with the chart. The lid closes with a click.',
    cents: 5400,
    picture: '/static/products/compass.svg',
  },
  {
    id: 'kettle',
    name: 'Galley kettle',
    line: 'Wide foot, low spout',
    about: 'Stays on the stove when the boat does not. One litre and a half.',
    cents: 4800,
    picture: '/static/products/kettle.svg',
  },
  {
    id: 'hat',
    name: "Sou'wester",
    line: 'Waxed cotton',
    about: 'Long at the back, where the rain comes in. Ear flaps for the crossing.',
    cents: 3900,
    picture: '/static/products/hat.svg',
  },
  {
    id: 'tin',
    name: 'Smoked mussels',
    line: 'In rapeseed oil',
    about: 'From ropes in the next fjord, smoked over alder on the same day.',
    cents: 900,
    picture: '/static/products/tin.svg',
  },
]

export function findProduct(id: string): Product | undefined {
  return PRODUCTS.find((candidate) => candidate.id === id)
}
