/** 1024 short, everyday words for passphrases: each one picked adds 10 bits. */
export const WORDS: readonly string[] = `
abacus acorn actor adult agent album alder alley almanac almond amber anchor angle ankle anthem antler apple apricot april apron aqua arbor arch arena
armor arrow artist aspen atlas atrium attic aurora autumn avenue avocado awning azalea bacon badge bagel baker bakery ballad balloon balsa bamboo
banana banjo banner barge barley barn barrel basil basin basket batch bay beach beacon bead beaker beam bean bear beaver beetle bell bench berry birch
bird biscuit bishop bison blanket blaze blender bloom blossom blue bluebell board boat bobbin bonfire bonnet book boot border bottle boulder bouquet
bowl bracelet branch brass bread breeze brick bridge brief bright bristle broccoli bronze brook broom brother brown brush bubble bucket buckle budget
buffalo bugle bulb bundle bunny butter butterfly button cabbage cabin cable cactus cake calendar calm camel camera camp canal candle candlestick candy
canoe canopy canvas canyon captain caramel card cardigan cargo carol carpet carrot carton carve cashew cashmere castle catalog cathedral cattle cedar
celery cello cement center cereal chain chair chalk chamomile chapel chapter charm chart cheese cherry chess chest chestnut chicken chimney china
chorus cider cinema cinnamon circle circus citrus city clam clarinet clay clean clementine clever cliff clock cloth cloud clover coach coast coaster
coat cobalt cobble cocoa coconut coffee coil collar comet comic compass concert cone copper coral cork corn corner cottage cotton couch county cousin
cove crab cradle cranberry crane crayon cream creek crescent cricket crocus crown crumb crystal cuckoo cucumber cup cupboard curtain curve cushion
cycle cypress daffodil dairy daisy dance dandelion dawn daylight deck deer delta denim desert desk dew diamond diary dinner dipper dish dock dolphin
domino donkey door dough dove dragon dragonfly drawer dream drift drizzle drum duck dune dusk eagle early earth easel east echo eddy egg eggplant
elbow elder elephant elk elm ember emerald engine envoy epoch equal estate evening evergreen fabric factory falcon family farm feather fence fennel
fern ferry fiddle field fig figure film finch finger fir fire firefly fireplace fish flag flame flamingo flannel flask fleece flint float flock floor
flour flower flute foal foam fog folder forest fork fossil fountain fox frame fresh friend fringe frog frost fruit fudge funnel galaxy gallery garden
gardenia garlic garnet gate gazelle gentle geyser giant ginger giraffe glacier glade glass globe glove glow goat gold gondola goose gopher gown grain
grand granite grape grass gravel green grove guitar gull gym habit half hamlet hammer hammock hamster harbor hare harp harvest hat haven hawk hay
hazel heart heather hedge hedgehog helmet herald herb heron hickory hill hinge hippo hive holiday holly honey honeycomb hood hoop horizon horn horse
hotel house hummus husky hut hyacinth ice igloo index indigo ink inlet inn insect iris iron island ivory ivy jacket jade jaguar jam jar jasmine jelly
jersey jetty jewel jigsaw jolly journal judge juice july jumper june jungle juniper kayak keel kernel kettle key kiln kind king kiosk kitchen kite
kitten kiwi knee knit knot koala label lace ladder ladybug lagoon lake lamb lamp lantern larch lark laser lasso latch lattice laurel lava lavender
lawn layer leaf leather lemon lemonade lentil leopard lesson letter lettuce level lighthouse lilac lily lime linen lion lizard llama lobby lobster
local locket lodge log lotus lucky lumber lunar lunch lupin lute lynx magnet magnolia magpie mallet mango manor mantle maple marble march margin
marigold marina market marmalade maroon marsh mask meadow meal meander medal melody melon meringue mesa metal meteor middle mild mill mimosa mineral
mint mirror mitten model modern mole monday monkey month moon moose morning mosaic moss motor mountain mouse muffin mug mulberry museum mushroom music
mustard napkin narrow native nature navy nectar needle nest nettle nickel night nightingale noble noodle noon north notebook nougat novel nugget
number nurse nutmeg oak oar oasis oat ocean ochre october octopus office olive onion opal opera orange orbit orchard orchestra orchid organ otter
outdoor oval oven owl oxygen oyster paddle page paint palace palette palm pancake panda panel pansy panther papaya paper paprika parachute parade
parcel park parrot parsley pasta pastel pasture path patio pavilion peach peacock peak peanut pear pearl pebble pelican pencil penguin pepper
peppermint petal phone photo piano picnic pigeon pillow pilot pine pineapple pinecone pink pioneer pistachio pitcher planet plank plate plaza plum
pocket poem polar polka pond pony poplar poppy porcelain porch porridge portrait postcard potato pottery powder prairie primrose prism prize promise
puddle puffin pulse pump pumpkin puppet puppy purple puzzle pyramid quail quarry quartet quartz queen quiet quill quilt quince rabbit raccoon radio
radish raft rail rain raisin ranch raspberry raven recipe record reed reef regal rhubarb ribbon rice ridge ring ripple river road robin rocket roof
room root rope rose rosemary rowboat ruby rudder rug ruler runner rural rust saddle saffron sage sail salad salmon salt sand sandal sandcastle sapling
sapphire satin saturn sauce scarf school scooter seal seashell season seed seven shadow shallow shawl sheep shelf shell shelter shield ship shirt shoe
shore shovel shrub signal silk silver simple sister skate sketch ski sky slate sled sleeve slope smile smoke snail snow snowdrop soap soccer socket
sofa soil solar sonata song soup south space spark sparrow spice spider spinach spiral sponge spoon spring spruce square squid stable stadium stage
star starfish statue steam steel stem stone stool stork storm story stove straw strawberry stream street string studio sugar suitcase summer summit
sun sunday sunflower sunset supper surf swallow swan sweater swift swing symbol syrup table tablet tailor talent tall tangerine tango tape target
tartan tea teacup teapot temple tennis tent thimble thistle thread throne thunder ticket tide tiger timber toast tomato topaz torch tortoise tower
town track tractor trail train travel treasure tree trellis tricycle trout truck trumpet trunk tulip tuna tunnel turkey turnip turquoise turtle twig
twin umbrella uncle unicorn unit upper urban valley vanilla vase velvet verse vessel village vine vinegar violet violin vista voice volcano voyage
waffle wagon walk wallet walnut walrus water waterfall watermelon wave weather weaver wedge week west whale wheat wheel whisker whistle white willow
wind windmill window winter wisdom wolf wood woodpecker wool world wreath wren yacht yard yarn year yellow yodel yogurt young zebra zenith zephyr zero
zigzag zinc zipper
`
  .trim()
  .split(/\s+/);
