// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// A contract wallet: it pays when its owner says so, and takes its owner's signatures for its own (ERC-1271).
contract OwnedWallet {
    address public immutable owner;

    constructor(address owner_) payable {
        owner = owner_;
    }

    receive() external payable {}

    function pay(address payable target, uint256 amount, bytes calldata input) external {
        require(msg.sender == owner, "not the owner");
        (bool success, ) = target.call{value: amount}(input);
        require(success, "the target refused");
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer = ecrecover(
            hash,
            uint8(signature[64]),
            bytes32(signature[0:32]),
            bytes32(signature[32:64])
        );
        return signer == owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}
