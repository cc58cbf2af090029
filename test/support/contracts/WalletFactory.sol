// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {OwnedWallet} from "OwnedWallet.sol";

/// Deploys wallets at addresses that are known before (CREATE2).
contract WalletFactory {
    function deploy(address owner) external returns (address) {
        return address(new OwnedWallet{salt: 0}(owner));
    }

    function addressOf(address owner) external view returns (address) {
        bytes memory code = abi.encodePacked(type(OwnedWallet).creationCode, abi.encode(owner));
        return
            address(
                uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), bytes32(0), keccak256(code)))))
            );
    }
}
