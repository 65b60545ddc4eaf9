module holdfast.example/shipping

go 1.19

require holdfast.example/holdfast v0.0.0

replace holdfast.example/holdfast => ../../clients/go
